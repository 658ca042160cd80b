package dev.virtualip.e2e.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.crds.schema.VirtualIp;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBindingBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

@InLab
@ParameterizedClass
@EnumSource(ApiServerIT.Kind.class)
class ApiServerIT {
  private static final Duration SOON = Duration.ofSeconds(60);

  /** Each kind of API server. */
  enum Kind {
    REAL {
      @Override
      ApiServer start(Lab lab) {
        String assets = System.getenv("KUBEBUILDER_ASSETS");
        assumeTrue(
            RealApiServer.available(assets),
            "KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver");
        return RealApiServer.start(lab, Path.of(assets), "10.0.0.1");
      }
    },
    EMBEDDED {
      @Override
      ApiServer start(Lab lab) {
        return EmbeddedApiServer.start(lab, "10.0.0.1");
      }
    };

    abstract ApiServer start(Lab lab);
  }

  private static Lab lab;
  private static ApiServer api;
  private static KubernetesClient client;
  private static LabNode a;
  private static LabNode b;
  private static LabNode c;

  @Parameter private Kind kind;

  @BeforeParameterizedClassInvocation
  static void start(Kind kind) {
    lab = Lab.open();
    Wire internal = lab.wire("internal").address("10.0.0.1/24");
    api = kind.start(lab);
    client = api.client();
    api.installCrd();
    a = node("node-a", internal, "10.0.0.11", "true");
    b = node("node-b", internal, "10.0.0.12", "true");
    c = node("node-c", internal, "10.0.0.13", "false");
  }

  @AfterParameterizedClassInvocation
  static void stop() {
    if (api != null) {
      List.of(a, b, c).forEach(LabNode::close);
      api.close();
      api = null;
    }
    lab.close();
  }

  @BeforeEach
  void createServiceAccount() {
    client
        .resource(
            new ServiceAccountBuilder()
                .withNewMetadata()
                .withNamespace("default")
                .withName("sleeper")
                .endMetadata()
                .build())
        .create();
  }

  @AfterEach
  void removeObjects() {
    client.resources(VirtualIp.class).delete();
    client.apps().daemonSets().inNamespace("default").delete();
    client.serviceAccounts().inNamespace("default").withName("sleeper").delete();
    client.rbac().clusterRoleBindings().withName("sleeper").delete();
    Await.until(
        "no pods", SOON, () -> client.pods().inAnyNamespace().list().getItems(), List::isEmpty);
    Await.until("no programs", SOON, () -> !a.runs("sleeper") && !b.runs("sleeper"));
  }

  @Test
  void aStatusPatchLeavesTheSpecAlone() {
    ConcurrentLinkedQueue<String> events = new ConcurrentLinkedQueue<>();
    try (var _ = client.resources(VirtualIp.class).watch(watcher(events))) {
      VirtualIp created = client.resource(virtualIp(77)).create();
      assertEquals(1, created.getMetadata().getGeneration());

      patchStatus("{\"nodes\": {\"node-a\": {\"state\": \"Master\"}}, \"master\": \"x\"}");
      patchStatus("{\"nodes\": {\"node-b\": {\"state\": \"Backup\"}}, \"master\": null}");
      VirtualIp patched = client.resources(VirtualIp.class).withName("web").get();
      assertEquals(created.getSpec(), patched.getSpec());
      assertEquals(1, patched.getMetadata().getGeneration());
      assertEquals(List.of("node-a", "node-b"), List.copyOf(patched.getStatus().nodes().keySet()));
      assertEquals(null, patched.getStatus().master());

      client.resource(virtualIp(78)).fieldManager("test").forceConflicts().serverSideApply();
      VirtualIp applied = client.resources(VirtualIp.class).withName("web").get();
      assertEquals(78, applied.getSpec().vrid());
      assertEquals(2, applied.getMetadata().getGeneration());
      assertEquals(patched.getStatus(), applied.getStatus());

      client.resources(VirtualIp.class).withName("web").delete();
      Await.until(
          "all events",
          SOON,
          () -> List.copyOf(events),
          List.of("ADDED 77", "MODIFIED 77", "MODIFIED 77", "MODIFIED 78", "DELETED 78")::equals);
    }
  }

  @Test
  void aDaemonSetRunsItsProgramOnEachMatchingNode() {
    applyDaemonSet("1");
    Await.until("ready pods", SOON, this::readyNodes, List.of("node-a", "node-b")::equals);
    assertTrue(a.runs("sleeper"));
    assertTrue(b.runs("sleeper"));
    assertFalse(c.runs("sleeper"));
    Proc program = a.proc("sleeper");
    assertEquals(
        a.host().sh("readlink /proc/self/ns/net"),
        lab.control().sh("readlink /proc/" + program.pid() + "/ns/net"));
    // Its capabilities are NET_ADMIN (12) and NET_RAW (13) alone.
    program.awaitOutput("^node-a in default, args from node-a, caps 0000000000003000$", SOON);
    assertTrue(Files.notExists(Path.of("/var/lib/virtualip-lab-test")), "made on the machine");

    client.apps().daemonSets().inNamespace("default").withName("sleeper").delete();
    Await.until("ended", SOON, () -> !a.runs("sleeper") && !b.runs("sleeper"));
  }

  @Test
  void aKilledProgramIsRestartedUnlessHeld() {
    applyDaemonSet("1");
    Await.until("ready pods", SOON, this::readyNodes, List.of("node-a", "node-b")::equals);
    Proc first = a.proc("sleeper");
    first.awaitOutput("^sleeps$", SOON);
    String lines = first.output();
    a.hold("sleeper");
    first.kill();
    Await.until("not ready", SOON, this::readyNodes, List.of("node-b")::equals);
    assertFalse(a.runs("sleeper"));
    a.release("sleeper");
    Await.until("restarted", SOON, () -> a.runs("sleeper"));
    assertNotEquals(first.pid(), a.proc("sleeper").pid());
    // hostPath: the file has one line more now.
    Proc second = a.proc("sleeper");
    second.awaitOutput("^sleeps$", SOON);
    assertEquals(lines.replaceFirst("life\n", "life\nlife\n"), second.output());
  }

  @Test
  void onDeleteReplacesAPodWhenItIsDeleted() {
    applyDaemonSet("1");
    Await.until("ready pods", SOON, this::readyNodes, List.of("node-a", "node-b")::equals);
    Proc onB = b.proc("sleeper");
    applyDaemonSet("2");
    client
        .pods()
        .inNamespace("default")
        .withField("spec.nodeName", "node-a")
        .withLabel("app", "sleeper")
        .delete();
    Await.until("revisions", SOON, this::revisions, Map.of("node-a", "2", "node-b", "1")::equals);
    Await.until("ready pods", SOON, this::readyNodes, List.of("node-a", "node-b")::equals);
    assertTrue(onB.alive());
  }

  @Test
  void aPodsTokenHasTheRightsOfItsServiceAccount() {
    applyDaemonSet("1");
    // Not what runs first: a pod of the DaemonSet before may have been made at the last moment.
    Await.until("ready pods", SOON, this::readyNodes, List.of("node-a", "node-b")::equals);
    a.proc("sleeper").awaitOutput("^sleeps$", SOON);
    assertEquals(api.real() ? "403" : "200", getPods(a));
    client
        .resource(
            new ClusterRoleBindingBuilder()
                .withNewMetadata()
                .withName("sleeper")
                .endMetadata()
                .withNewRoleRef("rbac.authorization.k8s.io", "ClusterRole", "view")
                .addNewSubject("", "ServiceAccount", "sleeper", "default")
                .build())
        .create();
    Await.until("allowed", SOON, () -> getPods(a), "200"::equals);
  }

  @Test
  void objectsAndProgramsOutliveTheServer() {
    client.resource(virtualIp(77)).create();
    applyDaemonSet("1");
    Await.until("ready pods", SOON, this::readyNodes, List.of("node-a", "node-b")::equals);
    Proc first = a.proc("sleeper");
    api.down();
    assertFalse(lab.control().succeeds("curl", "-sk", "--max-time", "1", "10.0.0.1:6443"));
    first.kill();
    Await.until("restarted without a server", SOON, () -> a.runs("sleeper"));
    api.up();
    assertEquals(1, client.resources(VirtualIp.class).list().getItems().size());
    Await.until(
        "the restart is reported",
        SOON,
        () -> client.pods().inAnyNamespace().withField("spec.nodeName", "node-a").list().getItems(),
        pods ->
            pods.getFirst().getStatus().getContainerStatuses().getFirst().getRestartCount() == 1);
  }

  /** HTTP status of listing pods with what the pod was given. */
  private static String getPods(LabNode node) {
    String inside = "nsenter -t " + node.proc("sleeper").pid() + " -m -n sh -c ";
    return node.host()
        .sh(
            inside
                + "'cd /var/run/secrets/kubernetes.io/serviceaccount;"
                + " [ -s ca.crt ] && url=\"--cacert ca.crt https\" || url=http;"
                + " curl -s -o /dev/null -w \"%{http_code}\""
                + " -H \"Authorization: Bearer $(cat token)\""
                + " $url://10.0.0.1:6443/api/v1/namespaces/default/pods'");
  }

  private static LabNode node(String name, Wire wire, String address, String edge) {
    Host host = lab.host(name).plug("eth0", wire, address + "/24");
    // Stands for an image: says what it was given, and adds a line to a file on the host's disk.
    String script =
        """
        echo "$NODE in $NAMESPACE, $0 $1, caps $(sed -n 's/^CapBnd:.//p' /proc/self/status)"
        echo life >> /var/lib/virtualip-lab-test/file
        cat /var/lib/virtualip-lab-test/file
        echo sleeps
        exec sleep 4242
        """;
    return LabNode.start(
        api,
        host,
        address,
        Map.of("edge", edge),
        Map.of("sleeper", new Program.Command("sh", "-c", script)));
  }

  private static void applyDaemonSet(String revision) {
    DaemonSet set =
        client
            .getKubernetesSerialization()
            .unmarshal(DAEMON_SET.formatted(revision), DaemonSet.class);
    client.resource(set).fieldManager("test").forceConflicts().serverSideApply();
  }

  private static final String DAEMON_SET =
      """
      apiVersion: apps/v1
      kind: DaemonSet
      metadata: {name: sleeper, namespace: default}
      spec:
        selector: {matchLabels: {app: sleeper}}
        updateStrategy: {type: OnDelete}
        template:
          metadata:
            labels: {app: sleeper}
            annotations: {revision: "%s"}
          spec:
            hostNetwork: true
            serviceAccountName: sleeper
            tolerations: [{operator: Exists}]
            terminationGracePeriodSeconds: 1
            affinity:
              nodeAffinity:
                requiredDuringSchedulingIgnoredDuringExecution:
                  nodeSelectorTerms:
                  - matchExpressions: [{key: edge, operator: In, values: ["true"]}]
            containers:
            - name: sleeper
              image: example.com/sleeper:1
              args: ["args", "from $(NODE)"]
              env:
              - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
              - {name: NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
              securityContext:
                capabilities: {drop: [ALL], add: [NET_ADMIN, NET_RAW]}
              volumeMounts: [{name: state, mountPath: /var/lib/virtualip-lab-test}]
            volumes: [{name: state, hostPath: {path: /var/lib/state}}]
      """;

  private static List<Pod> pods() {
    return client.pods().inNamespace("default").withLabel("app", "sleeper").list().getItems();
  }

  private List<String> readyNodes() {
    return pods().stream()
        .filter(ApiServerIT::ready)
        .map(pod -> pod.getSpec().getNodeName())
        .sorted()
        .toList();
  }

  private Map<String, String> revisions() {
    return pods().stream()
        .collect(
            Collectors.toMap(
                pod -> pod.getSpec().getNodeName(),
                pod -> pod.getMetadata().getAnnotations().get("revision")));
  }

  private static boolean ready(Pod pod) {
    return pod.getStatus().getConditions().stream()
        .anyMatch(c -> c.getType().equals("Ready") && c.getStatus().equals("True"));
  }

  private static void patchStatus(String status) {
    client
        .resources(VirtualIp.class)
        .withName("web")
        .subresource("status")
        .patch(PatchContext.of(PatchType.JSON_MERGE), "{\"status\": " + status + "}");
  }

  private static VirtualIp virtualIp(int vrid) {
    return client
        .getKubernetesSerialization()
        .unmarshal(
            """
            apiVersion: virtualip.dev/v1alpha1
            kind: VirtualIP
            metadata: {name: web}
            spec:
              vrid: %d
              interface: eth0
              addresses: [{address: 203.0.113.10/24, interface: eth1}]
            """
                .formatted(vrid),
            VirtualIp.class);
  }

  private static Watcher<VirtualIp> watcher(ConcurrentLinkedQueue<String> events) {
    return new Watcher<>() {
      @Override
      public void eventReceived(Action action, VirtualIp resource) {
        events.add(action + " " + resource.getSpec().vrid());
      }

      @Override
      public void onClose(WatcherException cause) {}
    };
  }
}
