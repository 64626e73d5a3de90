package controlplane

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/client-go/kubernetes"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// FreePort asks the system for a port of the loopback address that nobody uses.
func FreePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// StartEtcd starts an etcd of one member and returns the URL its clients use.
// It does not wait for the disk unless durable: the data is thrown away.
func StartEtcd(dir string, durable bool) (*embed.Etcd, string, error) {
	client, err := loopback()
	if err != nil {
		return nil, "", err
	}
	peer, err := loopback()
	if err != nil {
		return nil, "", err
	}
	config := embed.NewConfig()
	config.Dir = filepath.Join(dir, "etcd")
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.LogLevel = "error"
	config.LogOutputs = []string{filepath.Join(dir, "etcd.log")}
	config.UnsafeNoFsync = !durable
	config.AutoCompactionMode, config.AutoCompactionRetention = "periodic", "5m"
	config.QuotaBackendBytes = 4 << 30
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return nil, "", err
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return etcd, client.String(), nil
	case <-time.After(30 * time.Second):
		etcd.Close()
		return nil, "", fmt.Errorf("etcd was not ready within 30 seconds")
	}
}

func loopback() (url.URL, error) {
	port, err := FreePort()
	return url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}, err
}

// RunAPIServer runs kube-apiserver until SIGINT or SIGTERM, which it handles itself.
//
// The endpoint reconciler is off because it refuses loopback addresses. The range
// of service addresses is wide enough for thousands of services.
func RunAPIServer(files Files, port int, etcd string, flags ...string) error {
	command := app.NewAPIServerCommand()
	command.SetArgs(append([]string{
		"--etcd-servers=" + etcd,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", port),
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.96.0.0/12",
		"--allow-privileged=true",
		"--authorization-mode=RBAC",
		"--client-ca-file=" + files.CA,
		"--tls-cert-file=" + files.ServerCert,
		"--tls-private-key-file=" + files.ServerKey,
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + files.AccountKey,
		"--service-account-signing-key-file=" + files.AccountKey,
		"--shutdown-send-retry-after=false",
	}, flags...))
	return command.Execute()
}

// WaitReady returns when the server says that it is ready.
func WaitReady(ctx context.Context, client kubernetes.Interface) error {
	return poll(ctx, func() bool {
		_, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err == nil
	})
}

// poll asks every 25 milliseconds.
func poll(ctx context.Context, done func() bool) error {
	for !done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(25 * time.Millisecond):
		}
	}
	return nil
}
