// githttp serves the bare repositories of a directory over HTTP, for tests. It
// puts basic authentication or a bearer token, and TLS, before `git http-backend`.
package main

import (
	"crypto/subtle"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "address to listen on; port 0 takes a free one")
	root := flag.String("root", "git", "directory of bare repositories")
	user := flag.String("user", "", "user name to ask for; empty allows anyone unless there is a token")
	password := flag.String("password", "", "password of that user")
	token := flag.String("bearer", "", "bearer token to accept")
	cert := flag.String("tls-cert", "", "certificate to serve with")
	key := flag.String("tls-key", "", "its key")
	flag.Parse()

	programs, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		log.Fatal(err)
	}
	absolute, err := filepath.Abs(*root)
	if err != nil {
		log.Fatal(err)
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(programs)), "git-http-backend"),
		Env: []string{
			"GIT_PROJECT_ROOT=" + absolute,
			"GIT_HTTP_EXPORT_ALL=1",
			// http-backend takes pushes from known users only.
			"REMOTE_USER=test",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		},
		InheritEnv: []string{"PATH", "HOME"},
	}
	allowed := func(r *http.Request) bool {
		if *user == "" && *token == "" {
			return true
		}
		if name, given, ok := r.BasicAuth(); ok && *user != "" && equal(name+":"+given, *user+":"+*password) {
			return true
		}
		return *token != "" && equal(r.Header.Get("Authorization"), "Bearer "+*token)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allowed(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
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
