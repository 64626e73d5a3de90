// registry is a container registry in memory, for tests: with or without the referrers API, a login and TLS.
package main

import (
	"crypto/subtle"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "address to listen on; port 0 takes a free one")
	referrers := flag.Bool("referrers", true, "whether it can be asked for what refers to an artifact")
	user := flag.String("user", "", "user name to ask for; empty allows anyone")
	password := flag.String("password", "", "password of that user")
	cert := flag.String("tls-cert", "", "certificate to serve with")
	key := flag.String("tls-key", "", "its key")
	flag.Parse()

	content := registry.New(registry.WithReferrersSupport(*referrers))
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, given, _ := r.BasicAuth()
		if *user != "" && !equal(name+":"+given, *user+":"+*password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
			return
		}
		content.ServeHTTP(w, r)
	})

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("READY address=%s\n", listener.Addr())
	if *cert != "" {
		log.Fatal(http.ServeTLS(listener, handler, *cert, *key))
	}
	log.Fatal(http.Serve(listener, handler))
}

func equal(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
