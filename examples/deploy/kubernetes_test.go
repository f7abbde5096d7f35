package deploy

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// manifests are all documents of the folder, by kind and name.
func manifests(t *testing.T) map[string]document {
	t.Helper()
	files, err := filepath.Glob("kubernetes/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]document{}
	for _, file := range files {
		for _, doc := range documents(t, file) {
			name := doc.text("kind") + "/" + doc.text("metadata.name")
			if all[name] != nil {
				t.Errorf("%s has %s, which another file has too", file, name)
			}
			all[name] = doc
		}
	}
	return all
}

func need(t *testing.T, all map[string]document, name string) document {
	t.Helper()
	if all[name] == nil {
		t.Fatalf("there is no %s among %q", name, slices.Sorted(maps.Keys(all)))
	}
	return all[name]
}

// kinds are those whose schema is in testdata, by apiVersion and kind.
func kinds(t *testing.T) map[string]any {
	t.Helper()
	var file struct {
		Kinds map[string]any `yaml:"kinds"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "testdata/kubernetes-1.34.json")), &file); err != nil || len(file.Kinds) == 0 {
		t.Fatalf("read the schemas: %v", err)
	}
	return file.Kinds
}

// foreign are the kinds that are not of Kubernetes itself.
var foreign = map[string]bool{"kustomize.config.k8s.io/v1beta1/Kustomization": true, "monitoring.coreos.com/v1/ServiceMonitor": true}

func TestManifestsAreOfTheirSchema(t *testing.T) {
	t.Parallel()
	known := kinds(t)
	for name, doc := range manifests(t) {
		kind := doc.text("apiVersion") + "/" + doc.text("kind")
		if foreign[kind] {
			continue
		}
		pointer, ok := known[kind].(string)
		if !ok {
			t.Errorf("%s is a %s, of which there is no schema", name, kind)
			continue
		}
		if err := schema(t, "kubernetes-1.34.json", pointer).Validate(map[string]any(doc)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := doc.text("metadata.namespace"); kind != "v1/Namespace" && got != "pointsman" {
			t.Errorf("%s is in the namespace %q, want pointsman", name, got)
		}
	}
}

// What the schemas would let through is shown by what they refuse.
func TestSchemasRefuse(t *testing.T) {
	t.Parallel()
	known := kinds(t)
	for _, c := range []struct{ name, kind, text string }{
		{"a member that there is not", "policy/v1/PodDisruptionBudget", "spec: {maxUnavailible: 1}"},
		{"a text for a number", "apps/v1/Deployment", "spec: {selector: {}, template: {}, replicas: three}"},
		{"what must be there", "apps/v1/Deployment", "spec: {replicas: 3}"},
		{"deep within", "batch/v1/Job", "spec: {template: {spec: {containers: [{name: a, securityContext: {readOnlyRootFileSystem: true}}]}}}"},
		{"an old version", "autoscaling/v2/HorizontalPodAutoscaler", "apiVersion: autoscaling/v1"},
	} {
		var doc map[string]any
		if err := yaml.Unmarshal([]byte(c.text), &doc); err != nil {
			t.Fatal(err)
		}
		if err := schema(t, "kubernetes-1.34.json", known[c.kind].(string)).Validate(doc); err == nil {
			t.Errorf("%s: Validate(%s) = nil, want an error", c.name, c.text)
		}
	}
}

func TestPodsAreConfined(t *testing.T) {
	t.Parallel()
	all := manifests(t)
	for _, name := range []string{"Deployment/pointsman", "Job/pointsman-migrate"} {
		doc := need(t, all, name)
		doc.has(t, name, map[string]any{
			"spec.template.spec.serviceAccountName":                                    "pointsman",
			"spec.template.spec.automountServiceAccountToken":                          false,
			"spec.template.spec.securityContext.runAsNonRoot":                          true,
			"spec.template.spec.securityContext.runAsUser":                             65532.0,
			"spec.template.spec.securityContext.seccompProfile.type":                   "RuntimeDefault",
			"spec.template.spec.containers.0.securityContext.allowPrivilegeEscalation": false,
			"spec.template.spec.containers.0.securityContext.readOnlyRootFilesystem":   true,
			"spec.template.spec.containers.0.securityContext.capabilities.drop.0":      "ALL",
			"spec.template.spec.containers.0.volumeMounts.0.mountPath":                 need(t, all, "ConfigMap/pointsman").at("data.POINTSMAN_DATA_DIR"),
			"spec.template.spec.containers.0.envFrom.0.configMapRef.name":              "pointsman",
			"spec.template.spec.containers.0.envFrom.1.secretRef.name":                 "pointsman",
			"spec.template.spec.containers.0.image":                                    "pointsman",
			"spec.template.spec.containers.1":                                          nil,
			"spec.template.spec.hostNetwork":                                           nil,
			"spec.template.spec.containers.0.command":                                  nil,
		})
		if doc.text("spec.template.spec.containers.0.resources.limits.memory") == "" {
			t.Errorf("%s has no bound on its memory", name)
		}
		if verb := doc.text("spec.template.spec.containers.0.args.0"); !verbs(t)[verb] {
			t.Errorf("%s runs %q, which is no verb", name, verb)
		}
	}
	if got := need(t, all, "Namespace/pointsman").at("metadata.labels"); got.(map[string]any)["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Errorf("the namespace's labels = %v, want pods restricted", got)
	}
	if got := need(t, all, "ServiceAccount/pointsman").at("automountServiceAccountToken"); got != false {
		t.Errorf("the service account's token = %v, want none", got)
	}
}

// Probes ask for what there is, where the settings say that it is served.
func TestProbesAskWhatIsServed(t *testing.T) {
	t.Parallel()
	all := manifests(t)
	deployment, settings := need(t, all, "Deployment/pointsman"), need(t, all, "ConfigMap/pointsman")
	const container = "spec.template.spec.containers.0."
	routes := sources(t, "host/httpapi")
	for probe, path := range map[string]string{"startupProbe": "/readyz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"} {
		deployment.has(t, probe, map[string]any{container + probe + ".httpGet.path": path, container + probe + ".httpGet.port": "http"})
		if !strings.Contains(routes, `"GET `+path+`":`) {
			t.Errorf("%s asks for %s, which is no route", probe, path)
		}
	}
	for i, port := range []string{"POINTSMAN_LISTEN", "POINTSMAN_ADMIN_LISTEN"} {
		_, want, _ := strings.Cut(settings.text("data."+port), ":")
		got := deployment.seconds(container + "ports." + string(rune('0'+i)) + ".containerPort")
		if number(t, want) != got {
			t.Errorf("%s has the port %s and the pod %d", port, want, got)
		}
	}
	deployment.has(t, "ports", map[string]any{container + "ports.0.name": "http", container + "ports.1.name": "admin"})
	need(t, all, "Service/pointsman").has(t, "Service/pointsman", map[string]any{"spec.ports.0.targetPort": "http"})
	need(t, all, "Service/pointsman-metrics").has(t, "Service/pointsman-metrics", map[string]any{"spec.ports.0.targetPort": "admin", "spec.ports.0.name": "admin", "spec.clusterIP": "None"})
	need(t, all, "ServiceMonitor/pointsman").has(t, "ServiceMonitor", map[string]any{"spec.endpoints.0.port": "admin", "spec.endpoints.0.path": "/metrics"})
	need(t, all, "NetworkPolicy/pointsman").has(t, "NetworkPolicy", map[string]any{
		"spec.ingress.0.ports.0.port": "http", "spec.ingress.1.ports.0.port": "admin", "spec.policyTypes.0": "Ingress", "spec.policyTypes.1": "Egress",
	})
}

// A pod is given longer to stop than the gateway takes.
func TestPodsHaveTimeToStop(t *testing.T) {
	t.Parallel()
	d := need(t, manifests(t), "Deployment/pointsman")
	wait := d.seconds("spec.template.spec.containers.0.lifecycle.preStop.sleep.seconds")
	if got, least := d.seconds("spec.template.spec.terminationGracePeriodSeconds"), wait+stopBound(t); wait < 1 || got < least {
		t.Errorf("terminationGracePeriodSeconds = %d with a wait of %d, want at least %d", got, wait, least)
	}
}

// Labels are what holds the parts together, and nothing complains when they do not match.
func TestSelectorsFindTheirPods(t *testing.T) {
	t.Parallel()
	all := manifests(t)
	labels := func(name, path string) map[string]any {
		got, _ := need(t, all, name).at(path).(map[string]any)
		return got
	}
	pods := map[string]map[string]any{
		"gateway": labels("Deployment/pointsman", "spec.template.metadata.labels"),
		"migrate": labels("Job/pointsman-migrate", "spec.template.metadata.labels"),
		"metrics": labels("Service/pointsman-metrics", "metadata.labels"),
	}
	for _, c := range []struct{ name, path, want string }{
		{"Deployment/pointsman", "spec.selector.matchLabels", "gateway"},
		{"Deployment/pointsman", "spec.template.spec.topologySpreadConstraints.0.labelSelector.matchLabels", "gateway"},
		{"Deployment/pointsman", "spec.template.spec.topologySpreadConstraints.1.labelSelector.matchLabels", "gateway"},
		{"Service/pointsman", "spec.selector", "gateway"},
		{"Service/pointsman-metrics", "spec.selector", "gateway"},
		{"PodDisruptionBudget/pointsman", "spec.selector.matchLabels", "gateway"},
		{"NetworkPolicy/pointsman", "spec.podSelector.matchLabels", "gateway migrate"},
		{"ServiceMonitor/pointsman", "spec.selector.matchLabels", "metrics"},
	} {
		selector := labels(c.name, c.path)
		var found []string
		for pod, has := range pods {
			// The network policy is about pods alone.
			meant := len(selector) > 0 && (pod != "metrics" || strings.HasPrefix(c.name, "ServiceMonitor"))
			for label, value := range selector {
				meant = meant && has[label] == value
			}
			if meant {
				found = append(found, pod)
			}
		}
		slices.Sort(found)
		if got := strings.Join(found, " "); got != c.want {
			t.Errorf("%s selects %q, want %q", c.name, got, c.want)
		}
	}
	need(t, all, "HorizontalPodAutoscaler/pointsman").has(t, "HorizontalPodAutoscaler", map[string]any{
		"spec.scaleTargetRef.kind": "Deployment", "spec.scaleTargetRef.name": "pointsman", "spec.scaleTargetRef.apiVersion": "apps/v1",
	})
	if need(t, all, "Deployment/pointsman").at("spec.replicas") != nil {
		t.Error("the deployment says how many replicas there are: each apply would undo what the autoscaler did")
	}
}

// poolOf is the size of the pool in the database URL of a file.
func poolOf(t *testing.T, path string) int {
	t.Helper()
	m := regexp.MustCompile(`pool_max_conns=(\d+)`).FindStringSubmatch(read(t, path))
	if m == nil {
		t.Fatalf("%s has no size of the pool", path)
	}
	return number(t, m[1])
}

// connectable is how many connections Postgres gives to those who are no superuser, by default.
const connectable = 100 - 3

func TestConnectionsSuffice(t *testing.T) {
	t.Parallel()
	all := manifests(t)
	readme := read(t, "README.md")
	most := need(t, all, "HorizontalPodAutoscaler/pointsman").seconds("spec.maxReplicas") + need(t, all, "Deployment/pointsman").seconds("spec.strategy.rollingUpdate.maxSurge")
	for _, c := range []struct {
		file     string
		replicas int
	}{{"kubernetes/secret.example.yaml", most}, {"compose/compose.yaml", 3}} {
		// Beside the pool: one that listens, one that confirms keys, and one for each job that is asked for.
		each := poolOf(t, c.file) + 2 + jobs(t)
		if c.replicas*each > connectable {
			t.Errorf("%s: %d replicas × %d connections are %d, want at most %d", c.file, c.replicas, each, c.replicas*each, connectable)
		}
		if sum := fmt.Sprintf("%d × %d = %d", c.replicas, each, c.replicas*each); !strings.Contains(readme, sum) {
			t.Errorf("README.md does not say %s, as %s has it with %d jobs", sum, c.file, jobs(t))
		}
	}
}

// kustomize reads what is listed, and says so when there is a file that it cannot read.
func TestKustomization(t *testing.T) {
	t.Parallel()
	k := documents(t, "kubernetes/kustomization.yaml")[0]
	files, _ := filepath.Glob("kubernetes/*.yaml")
	var want []any
	for _, file := range files {
		if name := filepath.Base(file); !slices.Contains([]string{"kustomization.yaml", "secret.example.yaml", "servicemonitor.yaml"}, name) {
			want = append(want, name)
		}
	}
	got, _ := k.at("resources").([]any)
	for _, name := range want {
		if !slices.Contains(got, name) {
			t.Errorf("resources = %v, want %v among them", got, name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("resources = %v, want %v", got, want)
	}
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Log("there is no kubectl: kustomize was not run")
		return
	}
	out, err := exec.CommandContext(t.Context(), kubectl, "kustomize", "kubernetes").CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl kustomize: %v\n%s", err, out)
	}
	if got := strings.Count(string(out), "image: registry.example.com/pointsman:0.1.0"); got != 2 {
		t.Errorf("kubectl kustomize names the image %d times, want 2", got)
	}
}
