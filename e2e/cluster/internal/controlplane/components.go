package controlplane

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	nodefast "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
)

// Components starts the other parts of a cluster, each as this program run under
// another name: the scheduler handles signals in a way that the API server's
// process cannot take.
type Components struct {
	files    Files
	client   kubernetes.Interface
	children []*exec.Cmd
}

// NewComponents starts nothing yet.
func NewComponents(files Files, client kubernetes.Interface) *Components {
	return &Components{files: files, client: client}
}

// ControllerManager starts kube-controller-manager without the controllers that
// need a cloud or real nodes.
func (c *Components) ControllerManager() error {
	port, err := FreePort()
	if err != nil {
		return err
	}
	return c.start("kube-controller-manager",
		"--kubeconfig="+c.files.Kubeconfig,
		"--leader-elect=false",
		"--service-account-private-key-file="+c.files.AccountKey,
		"--root-ca-file="+c.files.CA,
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", port),
		"--kube-api-qps=300",
		"--kube-api-burst=600",
		"--controllers=*,-nodeipam,-cloud-node-lifecycle,-service-lb-controller,-node-route-controller",
		"--concurrent-deployment-syncs=10",
		"--concurrent-replicaset-syncs=10",
		"--concurrent-namespace-syncs=20",
	)
}

const schedulerConfig = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection:
  kubeconfig: %q
  qps: 300
  burst: 600
leaderElection:
  leaderElect: false
`

// Scheduler starts kube-scheduler.
func (c *Components) Scheduler() error {
	port, err := FreePort()
	if err != nil {
		return err
	}
	config, err := c.write("scheduler.yaml", fmt.Sprintf(schedulerConfig, c.files.Kubeconfig))
	if err != nil {
		return err
	}
	return c.start("kube-scheduler",
		"--config="+config, "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port))
}

// Kwok starts kwok, which plays kubelets: nodes are ready, pods run at once.
func (c *Components) Kwok(ctx context.Context, nodes int) error {
	stages := []string{
		nodefast.DefaultNodeInit,
		podfast.DefaultPodReady,
		podfast.DefaultPodComplete,
		podfast.DefaultPodDelete,
	}
	config, err := c.write("kwok.yaml", strings.Join(stages, "\n---\n"))
	if err != nil {
		return err
	}
	err = c.start("kwok",
		"--kubeconfig="+c.files.Kubeconfig,
		"--config="+config,
		"--manage-all-nodes=true",
		"--node-lease-duration-seconds=40",
		"--cidr=10.200.0.1/16",
		"--node-ip=10.201.0.1",
	)
	for i := 0; err == nil && i < nodes; i++ {
		err = c.createNode(ctx, fmt.Sprintf("fake-%d", i))
	}
	return err
}

func (c *Components) createNode(ctx context.Context, name string) error {
	resources := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("1000"),
		corev1.ResourceMemory: resource.MustParse("4Ti"),
		corev1.ResourcePods:   resource.MustParse("10000"),
	}
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: name,
			Labels: map[string]string{
				"type":                   "kwok",
				"kubernetes.io/os":       "linux",
				"kubernetes.io/arch":     "amd64",
				"kubernetes.io/hostname": name,
			},
			Annotations: map[string]string{"node.alpha.kubernetes.io/ttl": "0"},
		},
		Status: corev1.NodeStatus{Allocatable: resources, Capacity: resources},
	}
	_, err := c.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// WaitControllers returns when the controller manager has made the service
// account every namespace gets, and the aggregated roles have rules.
func (c *Components) WaitControllers(ctx context.Context) error {
	return poll(ctx, func() bool {
		_, err := c.client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		if err != nil {
			return false
		}
		role, err := c.client.RbacV1().ClusterRoles().Get(ctx, "admin", metav1.GetOptions{})
		return err == nil && len(role.Rules) > 0
	})
}

// Stop kills everything that was started.
func (c *Components) Stop() {
	for _, child := range c.children {
		_ = child.Process.Kill()
		_, _ = child.Process.Wait()
	}
}

func (c *Components) write(name, text string) (string, error) {
	path := filepath.Join(c.files.Dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// start runs this program under another name. The system kills the child when
// the thread that started it ends, so callers lock theirs.
func (c *Components) start(name string, args ...string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(c.files.Dir, name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	child := exec.Command(program, append([]string{name}, args...)...)
	child.Stdout, child.Stderr = log, log
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := child.Start(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	c.children = append(c.children, child)
	return nil
}
