package dev.virtualip.vip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.vip.tell.Web;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.server.mock.EnableKubernetesMockClient;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PipedReader;
import java.io.PipedWriter;
import java.io.PrintWriter;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@EnableKubernetesMockClient(crud = true, https = false)
class CommandsTest {
  @TempDir static Path folder;

  KubernetesClient client;
  private StandIn cluster;

  @BeforeEach
  void begin() {
    cluster = new StandIn(client, Map.of("node-c", "there is no node node-c"));
  }

  @AfterEach
  void end() {
    cluster.close();
  }

  private Run run(String... args) {
    var kubeconfig = StandIn.kubeconfig(client.getMasterUrl().toString(), folder);
    return Run.of(
        Stream.concat(Arrays.stream(args), Stream.of("--kubeconfig", kubeconfig.toString()))
            .toArray(String[]::new));
  }

  private static void assertDone(String out, Run run) {
    assertEquals(new Run(0, out, ""), run);
  }

  private static void assertFailed(String err, Run run) {
    assertEquals(new Run(1, "", err), run);
  }

  @Test
  void statusShowsAllAndOne() {
    var all = run("status");
    assertTrue(
        all.out().startsWith("NAME  ADDRESS          MASTER        OTHERS       READY  LAST MOVE"),
        all.out());
    var one = run("status", "web");
    assertTrue(one.out().startsWith("web: 203.0.113.10/24, VRID 77 on eth0\n"), one.out());
  }

  @Test
  void statusAsJsonAndYamlIsTheObject() throws IOException {
    var json = new ObjectMapper().readTree(run("status", "web", "-o", "json").out());
    assertEquals("eth0", json.at("/spec/interface").asText());
    var list = new ObjectMapper().readTree(run("status", "-o", "json").out());
    assertEquals("web", list.at("/items/0/metadata/name").asText());
    assertTrue(run("status", "web", "-o", "yaml").out().contains("\nkind: \"VirtualIP\"\n"));
    assertEquals(2, run("status", "--watch", "-o", "yaml").code());
  }

  private void service(String name, String of, String address, String more) {
    client
        .resource(
            Serialization.unmarshal(
                """
                apiVersion: v1
                kind: Service
                metadata: {name: %s, namespace: prod, %s}
                spec: {type: LoadBalancer, %s ports: [{port: 443}, {port: 53, protocol: UDP}]}
                status: {loadBalancer: {ingress: [%s]}}
                """
                    .formatted(name, more, of, address.isEmpty() ? "" : "{ip: " + address + "}"),
                Service.class))
        .create();
  }

  @Test
  void statusShowsServicesWithTheirLanesAndLeavesOthersOut() throws IOException {
    assertDone("there is no Service of class virtualip.dev/vip\n", run("status", "--services"));
    client
        .resources(VirtualIp.class)
        .withName("web")
        .edit(
            vip -> {
              vip.getMetadata().setLabels(Map.of("virtualip.dev/services", "lan"));
              return vip;
            });
    var ours = "loadBalancerClass: virtualip.dev/vip,";
    service("web", ours, "203.0.113.10", "annotations: {metallb.io/allow-shared-ip: k}");
    service("late", ours, "", "");
    service("plain", "", "203.0.113.10", "");
    service("foreign", "", "192.0.2.1", "");
    service("other", "loadBalancerClass: metallb,", "203.0.113.10", "");
    assertEquals(
        """
        NAMESPACE  NAME   ADDRESSES     VIRTUALIP  MASTER  PORTS            SHARING KEY
        prod       late   -             -          -       443/TCP, 53/UDP  -
        prod       plain  203.0.113.10  web        node-a  443/TCP, 53/UDP  -
        prod       web    203.0.113.10  web        node-a  443/TCP, 53/UDP  k
        """,
        run("status", "--services").out());
    var list = new ObjectMapper().readTree(run("status", "--services", "-o", "json").out());
    assertEquals(3, list.at("/items").size());
    assertEquals(List.of("203.0.113.10", "203.0.113.10"), list.findValuesAsText("ip"));
    assertTrue(run("status", "--services", "-o", "yaml").out().contains("kind: \"Service\""));
    assertEquals(2, run("status", "web", "--services").code());
    assertEquals(2, run("status", "--services", "--watch").code());
  }

  @Test
  void filesThatCannotBeReadAreNamedWithTheReason() {
    assertFailed(
        "kubectl-vip: x/y: there is no such file or folder\n",
        Run.of("bundle", "-f", "x/y", "--kubeconfig", kubeconfig()));
    assertEquals(2, Run.of("drill", "web", "--url", "//203.0.113.10/").code());
  }

  private String kubeconfig() {
    return StandIn.kubeconfig(client.getMasterUrl().toString(), folder).toString();
  }

  @Test
  void whoeverIsNotThereIsNamed() {
    assertFailed("kubectl-vip: there is no VirtualIP wob; there are web\n", run("why", "wob"));
    assertFailed(
        "kubectl-vip: there is no node node-x; there are node-a, node-b\n", run("drain", "node-x"));
  }

  @Test
  void whyKnowsNodesAndPods() {
    var why = run("why", "web", "--node", "node-a").out();
    assertTrue(why.contains("selected: its labels match spec.nodes.selector"), why);
    assertTrue(why.contains("its agent: pod virtualip-agent-node-a is not ready"), why);
  }

  @Test
  void timelineDraws() {
    assertTrue(run("timeline", "web").out().contains("|#                               |"));
  }

  @Test
  void aSwitchOverHoldsUntilItIsReleased() {
    assertDone(
        "web: node-b is master; kubectl vip release web ends the switch-over\n",
        run("switch", "web", "node-b"));
    assertEquals("node-b", cluster.switchTo());
    assertDone("web: released\n", run("release", "web"));
    assertNull(cluster.switchTo());
    assertDone("web: there is no switch-over\n", run("release", "web"));
  }

  @Test
  void aRefusedSwitchOverLeavesTheOneBefore() {
    run("switch", "web", "node-b");
    assertFailed("kubectl-vip: refused: there is no node node-c\n", run("switch", "web", "node-c"));
    assertEquals("node-b", cluster.switchTo());
  }

  @Test
  void aPinIsASwitchOverToTheMaster() {
    assertDone("web: held on node-a; kubectl vip unpin web ends that\n", run("pin", "web"));
    assertEquals("node-a", cluster.switchTo());
    assertDone("web: released\n", run("unpin", "web"));
  }

  @Test
  void membersOfASyncGroupAreReleasedTogether() {
    client
        .resource(
            Web.vip(
                """
                {metadata: {name: twin, annotations: {virtualip.dev/switch-to: node-b}},
                  spec: {syncGroup: g}}
                """))
        .create();
    client.resource(Web.vip("{metadata: {name: other}, spec: {syncGroup: g}}")).create();
    assertFailed(
        "kubectl-vip: twin of the sync group has a switch-over to node-b: kubectl vip release twin\n",
        run("switch", "other", "node-a"));
    assertDone("twin: released\n", run("release", "other"));
  }

  @Test
  void aDrainLabelsTheNodeAndWaits() {
    assertDone(
        """
        web: node-b is master
        node-a is master of nothing; kubectl vip drain node-a --undo ends the drain
        """,
        run("drain", "node-a"));
    assertEquals("true", drainLabel());
    assertDone("node-a takes part again\n", run("drain", "node-a", "--undo"));
    assertNull(drainLabel());
  }

  private String drainLabel() {
    var node = client.nodes().withName("node-a").get();
    return node.getMetadata().getLabels().get("virtualip.dev/drain");
  }

  @Test
  void whatNobodyElseCanServeStays() {
    cluster.patch("{\"status\":{\"nodes\":{\"node-b\":{\"state\":\"Fault\"}}}}");
    assertEquals(
        new Run(
            1,
            """
            web: stays, as no other node can serve: kubectl vip why web
            node-a is still master of web
            """,
            ""),
        run("drain", "node-a"));
  }

  @Test
  void withoutAnOperatorItSaysSo() {
    cluster.close();
    assertFailed(
        "kubectl-vip: web after 0 s: node-b is not master yet; kubectl vip release web takes the"
            + " request back\n",
        run("switch", "web", "node-b", "--timeout", "10ms"));
  }

  @Test
  void mistakesOfUsageEndWith2() {
    assertEquals(2, Run.of().code());
    assertEquals(2, Run.of("switch", "web").code());
    assertEquals(2, Run.of("switch", "web", "node-b", "--timeout", "soon").code());
    assertEquals(2, Run.of("drill", "web", "--url", "ftp://203.0.113.10/").code());
    assertEquals(2, Run.of("status", "--kubeconfig", "/no/such/file").code());
  }

  @Test
  void aContextThatIsNotThereIsAMistake() {
    var run = run("status", "--context", "nope");
    assertEquals(2, run.code());
    assertTrue(run.err().startsWith("there is no --context nope; there are mock\n"), run.err());
  }

  @Test
  void watchShowsEachChange() throws Exception {
    var kubeconfig = StandIn.kubeconfig(client.getMasterUrl().toString(), folder).toString();
    var screen = new PipedReader(1 << 16);
    var out = new PrintWriter(new PipedWriter(screen));
    var watch =
        Thread.ofPlatform()
            .start(
                () ->
                    VipMain.commandLine()
                        .setOut(out)
                        .setErr(out)
                        .execute("status", "--watch", "--kubeconfig", kubeconfig));
    var lines = new BufferedReader(screen);
    assertNotNull(lineWith(lines, "web   203.0.113.10/24  node-a (100)"));
    cluster.patch(
        """
        {"status":{"nodes":{"node-a":{"state":"Fault"},"node-b":{"state":"Master"}}}}""");
    assertNotNull(lineWith(lines, "web   203.0.113.10/24  node-b (80)"));
    watch.interrupt();
    watch.join();
  }

  private static String lineWith(BufferedReader lines, String begin) throws IOException {
    for (var line = lines.readLine(); line != null; line = lines.readLine()) {
      if (line.startsWith(begin)) {
        return line;
      }
    }
    return null;
  }

  @Test
  void anApiServerThatIsAwayIsToldInOneLine() throws IOException {
    int port;
    try (var socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    var file = StandIn.kubeconfig("http://127.0.0.1:" + port, folder);
    assertFailed(
        "kubectl-vip: can't reach the API server: ClosedChannelException; see --kubeconfig and"
            + " --context\n",
        Run.of("status", "--kubeconfig", file.toString()));
  }
}
