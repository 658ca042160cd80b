package dev.virtualip.e2e.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.crds.VirtualIp;
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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@InLab
class ApiServerIT {
  private static final Duration SOON = Duration.ofSeconds(20);

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

  private Lab lab;
  private Wire internal;

  @BeforeEach
  void openLab() {
    lab = Lab.open();
    internal = lab.wire("internal").address("10.0.0.1/24");
  }

  @AfterEach
  void closeLab() {
    lab.close();
  }

  @ParameterizedTest
  @EnumSource
  void aStatusPatchLeavesTheSpecAlone(Kind kind) {
    try (ApiServer api = kind.start(lab)) {
      api.installCrd();
      KubernetesClient client = api.client();
      ConcurrentLinkedQueue<String> events = new ConcurrentLinkedQueue<>();
      try (var _ = client.resources(VirtualIp.class).watch(watcher(events))) {
        VirtualIp created = client.resource(virtualIp(77)).create();
        assertEquals(1, created.getMetadata().getGeneration());

        patchStatus(
            client, "{\"nodes\": {\"node-a\": {\"state\": \"Master\"}}, \"master\": \"x\"}");
        patchStatus(client, "{\"nodes\": {\"node-b\": {\"state\": \"Backup\"}}, \"master\": null}");
        VirtualIp patched = client.resources(VirtualIp.class).withName("web").get();
        assertEquals(created.getSpec(), patched.getSpec());
        assertEquals(1, patched.getMetadata().getGeneration());
        assertEquals(
            List.of("node-a", "node-b"), List.copyOf(patched.getStatus().nodes().keySet()));
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
  }

  @ParameterizedTest
  @EnumSource
  void aDaemonSetRunsItsProgramOnEachMatchingNode(Kind kind) {
    try (ApiServer api = kind.start(lab);
        LabNode a = node(api, "node-a", "10.0.0.11", "true");
        LabNode b = node(api, "node-b", "10.0.0.12", "true");
        LabNode c = node(api, "node-c", "10.0.0.13", "false")) {
      KubernetesClient client = api.client();
      apply(client, "1");
      Await.until("runs on a and b", SOON, () -> a.runs("sleeper") && b.runs("sleeper"));
      Await.until("ready pods", SOON, () -> readyPods(client), List.of("node-a", "node-b")::equals);
      assertTrue(!c.runs("sleeper"));

      Proc first = a.proc("sleeper");
      assertEquals(
          a.host().sh("readlink /proc/self/ns/net").strip(),
          lab.control().sh("readlink /proc/" + first.pid() + "/ns/net").strip());
      first.awaitOutput("^node-a in default, args from node-a, caps 0000000000003000$", SOON);
      first.awaitOutput("^kept$", SOON);
      assertTrue(Files.notExists(Path.of("/var/lib/virtualip-lab-test")), "made on the machine");

      a.hold("sleeper");
      first.kill();
      Await.until("not ready", SOON, () -> readyPods(client), List.of("node-b")::equals);
      a.release("sleeper");
      Await.until("restarted", SOON, () -> a.runs("sleeper"));
      assertNotEquals(first.pid(), a.proc("sleeper").pid());
      a.proc("sleeper").awaitOutput("^kept\nkept$", SOON);

      apply(client, "2");
      String old = client.pods().inAnyNamespace().list().getItems().toString();
      assertTrue(old.contains("node-a"), "OnDelete leaves the pods alone");
      client.apps().daemonSets().inNamespace("default").withName("sleeper").delete();
      Await.until("gone", SOON, () -> !a.runs("sleeper") && !b.runs("sleeper"));
      Await.until(
          "no pods", SOON, () -> client.pods().inAnyNamespace().list().getItems(), List::isEmpty);
    }
  }

  @ParameterizedTest
  @EnumSource
  void objectsOutliveTheServer(Kind kind) {
    try (ApiServer api = kind.start(lab)) {
      api.installCrd();
      api.client().resource(virtualIp(77)).create();
      api.down();
      assertTrue(!lab.control().succeeds("curl", "-sk", "--max-time", "1", "10.0.0.1:6443"));
      api.up();
      assertEquals(1, api.client().resources(VirtualIp.class).list().getItems().size());
    }
  }

  @ParameterizedTest
  @EnumSource
  void aPodsTokenHasTheRightsOfItsServiceAccount(Kind kind) {
    try (ApiServer api = kind.start(lab);
        LabNode a = node(api, "node-a", "10.0.0.11", "true")) {
      api.client()
          .resource(
              new ServiceAccountBuilder()
                  .withNewMetadata()
                  .withNamespace("default")
                  .withName("sleeper")
                  .endMetadata()
                  .build())
          .create();
      apply(api.client(), "1");
      Await.until("runs", SOON, () -> a.runs("sleeper"));
      Await.until(
          "first answer", SOON, () -> get(a), kind == Kind.REAL ? "403"::equals : "200"::equals);
      api.client()
          .resource(
              new ClusterRoleBindingBuilder()
                  .withNewMetadata()
                  .withName("sleeper")
                  .endMetadata()
                  .withNewRoleRef("rbac.authorization.k8s.io", "ClusterRole", "view")
                  .addNewSubject("", "ServiceAccount", "sleeper", "default")
                  .build())
          .create();
      Await.until("allowed", SOON, () -> get(a), "200"::equals);
    }
  }

  /** HTTP status of listing pods with what the pod was given. */
  private static String get(LabNode node) {
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

  private LabNode node(ApiServer api, String name, String address, String edge) {
    Host host = lab.host(name).plug("eth0", internal, address + "/24");
    // Stands for an image: says what it was given, and adds a line to a file on the host's disk.
    String script =
        """
        echo "$NODE in $NAMESPACE, $0 $1, caps $(sed -n 's/^CapBnd:.//p' /proc/self/status)"
        echo kept >> /var/lib/virtualip-lab-test/file
        cat /var/lib/virtualip-lab-test/file
        exec sleep 4242
        """;
    return LabNode.start(
        api, host, address, Map.of("edge", edge), Map.of("sleeper", List.of("sh", "-c", script)));
  }

  private static void apply(KubernetesClient client, String revision) {
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

  private static List<String> readyPods(KubernetesClient client) {
    return client
        .pods()
        .inNamespace("default")
        .withLabel("app", "sleeper")
        .list()
        .getItems()
        .stream()
        .filter(ApiServerIT::ready)
        .map(pod -> pod.getSpec().getNodeName())
        .sorted()
        .toList();
  }

  private static boolean ready(Pod pod) {
    return pod.getStatus().getConditions().stream()
        .anyMatch(c -> c.getType().equals("Ready") && c.getStatus().equals("True"));
  }

  private static void patchStatus(KubernetesClient client, String status) {
    client
        .resources(VirtualIp.class)
        .withName("web")
        .subresource("status")
        .patch(PatchContext.of(PatchType.JSON_MERGE), "{\"status\": " + status + "}");
  }

  private static VirtualIp virtualIp(int vrid) {
    return new io.fabric8.kubernetes.client.utils.KubernetesSerialization()
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
