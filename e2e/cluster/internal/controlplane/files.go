// Package controlplane runs etcd and kube-apiserver inside this process, for tests.
package controlplane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Files are the paths of everything the control plane reads from disk.
type Files struct {
	Dir        string
	CA         string
	ServerCert string
	ServerKey  string
	AdminCert  string
	AdminKey   string
	AccountKey string
	Kubeconfig string
}

// WriteFiles creates a certificate authority, a serving certificate, a client
// certificate in the group system:masters, the key that signs service account
// tokens, and a kubeconfig for the server on that port. A directory that has a
// kubeconfig already is taken as it is.
func WriteFiles(dir string, port int) (Files, error) {
	path := func(name string) string { return filepath.Join(dir, name) }
	files := Files{
		Dir:        dir,
		CA:         path("ca.crt"),
		ServerCert: path("server.crt"),
		ServerKey:  path("server.key"),
		AdminCert:  path("admin.crt"),
		AdminKey:   path("admin.key"),
		AccountKey: path("service-accounts.key"),
		Kubeconfig: path("kubeconfig"),
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return files, err
	}
	if _, err := os.Stat(files.Kubeconfig); err == nil {
		return files, nil
	}
	authority, err := newAuthority(files.CA)
	if err != nil {
		return files, err
	}
	server := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 96, 0, 1)},
	}
	if err := authority.issue(server, files.ServerCert, files.ServerKey); err != nil {
		return files, err
	}
	admin := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "admin", Organization: []string{"system:masters"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if err := authority.issue(admin, files.AdminCert, files.AdminKey); err != nil {
		return files, err
	}
	if _, err := newKey(files.AccountKey); err != nil {
		return files, err
	}
	return files, writeKubeconfig(files, port)
}

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	serial      int64
}

func newAuthority(path string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "testcluster"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	setValidity(template)
	encoded, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(encoded)
	if err != nil {
		return nil, err
	}
	return &authority{certificate: certificate, key: key, serial: 1}, writePEM(path, "CERTIFICATE", encoded)
}

// issue signs a certificate with a new key and writes both.
func (a *authority) issue(template *x509.Certificate, certPath, keyPath string) error {
	key, err := newKey(keyPath)
	if err != nil {
		return err
	}
	a.serial++
	template.SerialNumber = big.NewInt(a.serial)
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	setValidity(template)
	encoded, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return err
	}
	return writePEM(certPath, "CERTIFICATE", encoded)
}

func setValidity(template *x509.Certificate) {
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = template.NotBefore.AddDate(10, 0, 0)
}

func newKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	encoded, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, writePEM(path, "EC PRIVATE KEY", encoded)
}

func writePEM(path, kind string, encoded []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: encoded}), 0o600)
}

const kubeconfig = `apiVersion: v1
kind: Config
current-context: testcluster
clusters:
- name: testcluster
  cluster:
    server: https://127.0.0.1:%d
    certificate-authority-data: %s
contexts:
- name: testcluster
  context:
    cluster: testcluster
    user: admin
users:
- name: admin
  user:
    client-certificate-data: %s
    client-key-data: %s
`

func writeKubeconfig(files Files, port int) error {
	var encoded []any
	for _, path := range []string{files.CA, files.AdminCert, files.AdminKey} {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		encoded = append(encoded, base64.StdEncoding.EncodeToString(content))
	}
	text := fmt.Sprintf(kubeconfig, append([]any{port}, encoded...)...)
	return os.WriteFile(files.Kubeconfig, []byte(text), 0o600)
}
