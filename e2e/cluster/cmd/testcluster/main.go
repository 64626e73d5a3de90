// testcluster is a Kubernetes control plane in one program, for tests: etcd and
// kube-apiserver in one process, kube-controller-manager, kube-scheduler and kwok
// beside it.
//
//	testcluster up [--dir D] [--port P] [--kcm=false] [--scheduler=false] [--kwok=false] [--nodes N] [--until-eof] [-- FLAGS OF KUBE-APISERVER]
//	testcluster kube-controller-manager|kube-scheduler|kwok ...
//
// The second form is the command of that name itself; `up` starts them that way.
package main

import (
	"fmt"
	"os"
	_ "time/tzdata"

	"k8s.io/component-base/cli"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

const usage = "usage: testcluster up|kube-controller-manager|kube-scheduler|kwok ..."

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	name, args := os.Args[1], os.Args[2:]
	os.Args = append([]string{os.Args[0]}, args...)
	switch name {
	case "up":
		fail(up(args))
	case "kube-controller-manager":
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	case "kube-scheduler":
		os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
	case "kwok":
		fail(kwok())
	default:
		fmt.Fprintf(os.Stderr, "unknown command %q\n%s\n", name, usage)
		os.Exit(2)
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
