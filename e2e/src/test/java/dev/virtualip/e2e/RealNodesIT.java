package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.marcnuri.helm.Helm;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.KubeletNode;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Owners;
import dev.virtualip.e2e.lab.Probe;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * What README and docs/operations.md say, on two nodes with kubelet, containerd and runc, in pods
 * of the images of {@code make images}: {@code web} of sample 01 and {@code ingress} of sample 09.
 * They are installed and uninstalled by the commands as these pages print them. Until then each
 * test begins with node-a as master of both.
 */
@InLab
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class RealNodesIT {
  private static final Duration SOON = Duration.ofSeconds(120);
  private static final String WEB = ClassicPair.VIP;
  private static final String INGRESS = "203.0.113.83";
  private static final Map<String, String> ADDRESSES = Map.of("web", WEB, "ingress", INGRESS);
  private static final String NAMESPACE = Cluster.NAMESPACE;
  private static final String AGENTS = "app.kubernetes.io/name=" + Cluster.AGENT;
  private static final String AGENT_IMAGE = "ghcr.io/virtualip/virtualip-agent:";

  private Lab lab;
  private RealNodes nodes;
  private ApiServer api;
  private Owners owners;
  private Probe client;
  private Map<String, String> networksBefore;
  private boolean uninstalled;

  @BeforeAll
  void install() throws IOException, InterruptedException {
    assumeTrue(RealNodes.missing().isEmpty(), "SKIPPED: " + RealNodes.missing());
    // Skips it too where there is no kustomize.
    Installation.kustomize("base");
    lab = Lab.open();
    nodes = RealNodes.start(lab);
    api = nodes.api();
    owners = Owners.watch(nodes.pair().nodes());
    networksBefore = networks();
    var images = lines("README.md", "> (ctr -n k8s.io images import .*)");
    nodes.nodes().parallelStream().forEach(node -> nodes.typeOn(node, images));
    System.out.println(nodes.type(block("README.md", "## Install")));
    nodes.type("kubectl apply -f samples/09-ingress-nginx.yaml");
    // This kubectl's cache of what there is may be older than the CRDs.
    kubectl("api-resources");
    client = Probe.start(nodes.pair().client(), ClassicPair.URL, Duration.ofMillis(100));
  }

  /** The first commands below a heading of a page. */
  private static String block(String page, String heading) throws IOException {
    return found(page, "(?s)\\n" + heading + "\\n.*?\\n```sh\\n(.*?)```");
  }

  /** The lines of a page that match, each but for what is outside the group. */
  private static String lines(String page, String regex) throws IOException {
    return found(page, "(?m)^" + regex + "$");
  }

  private static String found(String page, String regex) throws IOException {
    var text = Files.readString(Lab.root().resolve(page));
    var found =
        Pattern.compile(regex)
            .matcher(text)
            .results()
            .map(match -> match.group(1))
            .collect(Collectors.joining("\n"));
    assertFalse(found.isEmpty(), page + " has no " + regex);
    return found;
  }

  @AfterAll
  void end() {
    if (lab != null) {
      lab.close();
    }
  }

  private String kubectl(String... arguments) {
    return api.kubectl(arguments);
  }

  @BeforeEach
  void nodeAIsMasterAndBothAgentsAreReady() {
    if (uninstalled) {
      return;
    }
    awaitAll(
        "two agents are ready",
        () -> agents().size() == 2 && agents().stream().allMatch(Readiness.getInstance()::isReady));
    awaitMaster("node-a");
    awaitStatus("node-a");
    owners.forget();
  }

  private List<Pod> agents() {
    return api.client().pods().inNamespace(NAMESPACE).withLabel(AGENTS).list().getItems();
  }

  private Pod agent(String node) {
    return agents().stream()
        .filter(pod -> node.equals(pod.getSpec().getNodeName()))
        .findFirst()
        .orElseThrow();
  }

  private VirtualIpStatus status(String name) {
    return vip(name).getStatus();
  }

  private VirtualIp vip(String name) {
    return api.client().resources(VirtualIp.class).withName(name).get();
  }

  /** Like {@link Await#until}; a failure lists the objects of the cluster. */
  private void awaitAll(String what, BooleanSupplier condition) {
    try {
      Await.until(what, SOON, condition);
    } catch (AssertionError e) {
      var seen = kubectl("get", "vip,nodes,ds,deploy,pods,leases", "-A", "-o", "wide");
      var events = kubectl("get", "events", "-A");
      throw new AssertionError(e.getMessage() + "\n" + seen + "\n" + events, e);
    }
  }

  /** Waits until a node has both addresses, alone, and serves the client. */
  private void awaitMaster(String node) {
    awaitAll(
        node + " has the addresses",
        () -> ADDRESSES.values().stream().allMatch(a -> owners.of(a).equals(Set.of(node))));
    client.awaitServedBy(node, SOON);
  }

  /** Waits until kubectl says so. */
  private void awaitStatus(String node) {
    kubectl("wait", "--for=condition=Ready", "--timeout=50s", "vip", "--all");
    awaitAll(
        "the status names " + node,
        () -> ADDRESSES.keySet().stream().allMatch(vip -> node.equals(status(vip).master())));
  }

  /** How often an address came to a node since the test began. */
  private long moves(String address, String to) {
    return owners.changes().stream()
        .filter(c -> c.there() && c.address().equals(address) && c.host().equals(to))
        .count();
  }

  private void assertEachMoved(int times, String to) {
    owners.compareWithKernel(ADDRESSES.values());
    for (var address : ADDRESSES.values()) {
      assertEquals(times, moves(address, to), () -> address + ": " + owners.changes());
    }
  }

  @Test
  @Order(1)
  void theRolloutServesTheClientAndIsSeenInATable() {
    var desired =
        kubectl("-n", NAMESPACE, "get", "ds/" + Cluster.AGENT, "-o=jsonpath={.status.numberReady}");
    assertEquals("2", desired);
    var table = kubectl("get", "vip");
    assertTrue(table.matches("(?s).*\\bweb +203.0.113.10/24 +77 +node-a +True .*"), table);
    assertTrue(table.matches("(?s).*\\bingress +203.0.113.83/24 +83 +node-a +True .*"), table);
    assertEquals("node-a\n", nodes.pair().client().get("http://" + INGRESS + "/"));
    System.out.println(table);
  }

  /** The container's process dies as by a bug or the OOM killer: no hand-over, no last word. */
  private void killAgent(String node) {
    var id = agent(node).getStatus().getContainerStatuses().getFirst().getContainerID();
    nodes.node(node).ctr("tasks", "kill", "-s", "SIGKILL", id.replace("containerd://", ""));
  }

  private int restarts(String node) {
    return agent(node).getStatus().getContainerStatuses().getFirst().getRestartCount();
  }

  @Test
  @Order(1)
  void kubectlVipIsAPluginOfTheLabsKubectl() {
    var why = nodes.type("kubectl vip why web");
    assertTrue(why.contains("node-a"), why);
  }

  /** A kubelet needs a second or two to see the end; adverts of 4 s leave it 8 s or more. */
  @Test
  @Order(2)
  void anAgentThatIsBackWithinItsLeaseGoesOnAsMaster() {
    setAdvertInterval("4s");
    owners.forget();
    var from = Instant.now();
    killAgent("node-a");
    awaitAll("it has resumed", () -> resumed("node-a", from) || moves(WEB, "node-b") > 0);
    if (moves(WEB, "node-b") == 0) {
      assertTrue(owners.changes().stream().noneMatch(c -> c.address().equals(WEB)));
      // Though the lease of the ingress, which has the same default route, has ended.
      assertEquals(Duration.ZERO, client.longestLoss(from, Instant.now()));
    }
    System.out.printf(
        "kill -9 of an agent's container: %s comes to node-b %d times within %d ms, client without"
            + " service for %d ms%n",
        WEB,
        moves(WEB, "node-b"),
        Duration.between(from, Instant.now()).toMillis(),
        client.longestLoss(from, Instant.now()).toMillis());
    awaitAll("its container was started again", () -> restarts("node-a") == 1);
    awaitMaster("node-a");
    setAdvertInterval("1s");
  }

  private void setAdvertInterval(String interval) {
    var patch = "{\"spec\": {\"advertInterval\": \"%s\"}}".formatted(interval);
    kubectl("patch", "vip", "web", "--type=merge", "-p", patch);
    awaitAll(
        "both agents run it",
        () -> {
          var generation = vip("web").getMetadata().getGeneration();
          return Set.of("node-a", "node-b").stream()
              .allMatch(n -> generation.equals(status("web").nodes().get(n).acceptedGeneration()));
        });
    awaitMaster("node-a");
  }

  /** Whether an agent says that it went on as master, and has said so since a moment. */
  private boolean resumed(String node, Instant from) {
    var own = status("web").nodes().get(node);
    return "Resumed".equals(own.reason())
        && agent(node).getStatus().getContainerStatuses().getFirst().getRestartCount() > 0
        && !Instant.parse(own.since()).isBefore(from.truncatedTo(ChronoUnit.SECONDS));
  }

  @Test
  @Order(3)
  void aDrainedNodeHandsOverAndIsMasterAgainAfterwards() {
    kubectl("drain", "node-a", "--ignore-daemonsets", "--timeout=50s");
    awaitMaster("node-b");
    awaitStatus("node-b");
    assertEachMoved(1, "node-b");
    kubectl("uncordon", "node-a");
    awaitMaster("node-a");
    assertEachMoved(1, "node-a");
  }

  @Test
  @Order(4)
  void anIngressPodThatIsDeletedIsAHandOver() {
    var pod =
        kubectl(
            "-n",
            "ingress-nginx",
            "get",
            "pods",
            "--field-selector=spec.nodeName=node-a",
            "-o",
            "name");
    var a = agent("node-a").getMetadata().getName();

    kubectl("-n", "ingress-nginx", "delete", pod.strip(), "--wait=false");

    awaitAll("node-b has it", () -> owners.of(INGRESS).equals(Set.of("node-b")));
    var log = kubectl("-n", NAMESPACE, "logs", a);
    assertTrue(log.contains("HandedOver(PodTerminating(controller))"), log);
    awaitMaster("node-b");
    nodes.awaitNginx(nodes.pair().nodeA());
    awaitMaster("node-a");
    assertEachMoved(1, "node-b");
  }

  @Test
  @Order(5)
  void aNodeWithoutPowerIsFollowedAndServesAgainWhenItIsBack() {
    var a = nodes.node("node-a");
    a.kill();
    client.awaitServedBy("node-b", SOON);
    awaitAll("the status names node-b", () -> "node-b".equals(status("web").master()));
    // The kernel of this node lives on: it removes what has no owner any more.
    awaitMaster("node-b");
    a.start();
    awaitMaster("node-a");
    assertEachMoved(1, "node-b");
    assertEachMoved(1, "node-a");
  }

  @Test
  @Order(6)
  void anUpgradeMovesEachAddressAwayAtMostOnce() {
    var image = AGENT_IMAGE + "next";
    nodes.nodes().forEach(node -> tag(node, image));
    kubectl(
        "-n", NAMESPACE, "set", "env", "deployment/" + Cluster.OPERATOR, "AGENT_IMAGE=" + image);
    awaitAll(
        "both agents run the new image",
        () ->
            agents().size() == 2
                && agents().stream()
                    .allMatch(
                        pod ->
                            Readiness.getInstance().isReady(pod)
                                && image.equals(
                                    pod.getSpec().getContainers().getFirst().getImage())));
    awaitMaster("node-a");
    assertEachMoved(1, "node-b");
    assertEachMoved(1, "node-a");
  }

  private static void tag(KubeletNode node, String image) {
    var present = node.ctr("images", "ls", "-q", "name~=virtualip-agent").lines().findFirst();
    node.ctr("images", "tag", present.orElseThrow(), image);
  }

  /**
   * The agent's pod is new: a kubelet waits 10 s before it starts one again for the second time.
   */
  @Test
  @Order(7)
  void anAgentThatIsNotStartedAgainIsFollowedAndIsMasterAgainLater() {
    var a = nodes.node("node-a");
    a.signalKubelet("STOP");
    killAgent("node-a");
    awaitMaster("node-b");
    assertEachMoved(1, "node-b");
    a.signalKubelet("CONT");
    awaitMaster("node-a");
    assertEachMoved(1, "node-a");
  }

  @Test
  @Order(8)
  void afterUninstallingNothingIsLeft() throws IOException {
    nodes.type(block("docs/operations.md", "## Uninstall"));
    uninstalled = true;

    awaitAll("no object of it", () -> Installation.traces(api).isEmpty());
    assertEquals("", Installation.crd(api));
    assertEquals("", with("virtualip", kubectl("get", "leases", "-A", "-o=name")));
    for (var node : nodes.nodes()) {
      awaitAll(
          "no container of it on " + node.name(),
          () -> with("virtualip", node.ctr("containers", "ls")).isEmpty());
    }
    assertEquals(networksBefore, networks());
  }

  @Test
  @Order(9)
  void helmTestPassesOnAReleaseOfTheChart() throws IOException {
    Installation.install(api, "vips").createNamespace().set("crd.keep", false).call();
    // It fails if the pod does.
    Helm.test("virtualip")
        .withNamespace("vips")
        .withTimeout((int) SOON.toSeconds())
        .withKubeConfig(api.kubeconfig())
        .call();
    var events = kubectl("-n", "vips", "get", "events");
    assertTrue(with("pod/virtualip-test", events).contains("Started container"), events);
    Installation.uninstall(api, "vips");
    awaitAll("no object of it", () -> Installation.traces(api).isEmpty());
  }

  private static String with(String word, String text) {
    return String.join("\n", text.lines().filter(line -> line.contains(word)).toList());
  }

  /** Addresses, routes and rules of the nodes on the networks that they share. */
  private Map<String, String> networks() {
    var all = new TreeMap<String, String>();
    for (Host host : nodes.pair().nodes()) {
      for (var nic : List.of("eth0", "eth1")) {
        all.put(host + " " + nic, host.ip("-o addr show dev " + nic));
        all.put(host + " routes " + nic, host.ip("route show table all dev " + nic));
      }
      all.put(host + " rules", host.ip("rule"));
    }
    return all;
  }
}
