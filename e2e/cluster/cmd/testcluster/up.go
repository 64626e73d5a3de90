package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kustomize-rs/kustomize-rs/e2e/cluster/internal/controlplane"
)

type options struct {
	controllers bool
	scheduler   bool
	kwok        bool
	nodes       int
}

// up runs a cluster until a signal ends it.
func up(args []string) error {
	var chosen options
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	dir := flags.String("dir", "testcluster", "directory of the cluster's state")
	port := flags.Int("port", 0, "port of the API server on the loopback address; 0 takes a free one")
	durable := flags.Bool("durable", false, "let etcd wait for the disk")
	untilEOF := flags.Bool("until-eof", false, "end when standard input ends, as it does when the parent is gone")
	flags.BoolVar(&chosen.controllers, "kcm", true, "run kube-controller-manager")
	flags.BoolVar(&chosen.scheduler, "scheduler", true, "run kube-scheduler")
	flags.BoolVar(&chosen.kwok, "kwok", true, "run kwok, which plays the nodes")
	flags.IntVar(&chosen.nodes, "nodes", 2, "how many nodes kwok plays")
	_ = flags.Parse(args)
	if *untilEOF {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
	}

	if *port == 0 {
		free, err := controlplane.FreePort()
		if err != nil {
			return err
		}
		*port = free
	}
	root, err := filepath.Abs(*dir)
	if err != nil {
		return err
	}
	files, err := controlplane.WriteFiles(root, *port)
	if err != nil {
		return err
	}
	etcd, url, err := controlplane.StartEtcd(root, *durable)
	if err != nil {
		return err
	}
	defer etcd.Close()
	client, err := newClient(files)
	if err != nil {
		return err
	}
	components := controlplane.NewComponents(files, client)
	defer components.Stop()

	go func() {
		// The children die with this thread, so it never ends.
		runtime.LockOSThread()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := complete(ctx, chosen, components, client); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			components.Stop()
			os.Exit(1)
		}
		fmt.Printf("READY kubeconfig=%s\n", files.Kubeconfig)
		select {}
	}()
	return controlplane.RunAPIServer(files, *port, url, flags.Args()...)
}

func newClient(files controlplane.Files) (kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", files.Kubeconfig)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

// complete starts what was chosen beside the API server, and waits for it.
func complete(ctx context.Context, chosen options, components *controlplane.Components, client kubernetes.Interface) error {
	if err := controlplane.WaitReady(ctx, client); err != nil {
		return fmt.Errorf("the API server is not ready: %w", err)
	}
	if chosen.controllers {
		if err := components.ControllerManager(); err != nil {
			return err
		}
	}
	if chosen.scheduler {
		if err := components.Scheduler(); err != nil {
			return err
		}
	}
	if chosen.kwok {
		if err := components.Kwok(ctx, chosen.nodes); err != nil {
			return err
		}
	}
	if chosen.controllers {
		if err := components.WaitControllers(ctx); err != nil {
			return fmt.Errorf("the controller manager does not work: %w", err)
		}
	}
	return nil
}
