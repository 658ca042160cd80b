package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.Await;
import dev.virtualip.agent.disk.MasterRecord;
import dev.virtualip.agent.loop.VirtualRouterLoop;
import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.plan.Plan;
import dev.virtualip.agent.plan.PlanChange;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What an agent does with what an earlier life of it has left on the node. */
class VirtualRouterLoopTest {
  private static final String WEB =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: web, generation: 1}
      spec:
        vrid: 77
        interface: eth0
        addresses: [{address: 203.0.113.10/24, interface: eth1}]
        routes: [{to: default, via: 203.0.113.1, interface: eth1}]
        healthChecks: [{name: nginx, http: {}}]
      """;
  private static final NodeFacts SELF = new NodeFacts("node-a", Map.of(), true);

  private final FakeNode fake = new FakeNode();
  private final CountDownLatch stuck = new CountDownLatch(1);
  private volatile boolean blocks;
  private volatile Map<String, MasterRecord.Master> masters = Map.of();
  private VirtualRouterLoop loop;

  @AfterEach
  void stop() {
    stuck.countDown();
    loop.stop(1_000);
  }

  private void start(Map<String, MasterRecord.Master> earlier, String... yaml) {
    loop = new VirtualRouterLoop(earlier, Set.of(), fake.node, new Ears());
    Thread.ofPlatform().daemon().start(loop);
    loop.put(new Input.PlanChanged(plan(yaml)));
    Await.until(loop::configured, loop::statuses);
  }

  private PlanChange plan(String... yaml) {
    return new Plan("node-a").change(desired(yaml), fake.node.network().nics());
  }

  private static Desired desired(String... yaml) {
    var vips = Stream.of(yaml).map(text -> Serialization.unmarshal(text, VirtualIp.class)).toList();
    return new Desired(vips, SELF, List.of(SELF), Map.of(), Map.of());
  }

  private static Map<String, MasterRecord.Master> masterOf(String... yaml) {
    return desired(yaml).virtualIps().stream()
        .map(vip -> InstanceConfig.from(vip, "node-a", Map.of(), List.of()))
        .collect(Collectors.toMap(InstanceConfig::name, EarlierLife::master));
  }

  private void leave(String prefix, long leaseLeft) {
    var parsed = IpPrefix.parse(prefix);
    fake.bound.put(parsed, new BoundAddress(3, parsed, leaseLeft, AddressPort.PROTOCOL));
    fake.report();
  }

  private void leaveAll(long leaseLeft) {
    leave("203.0.113.10/24", leaseLeft);
    fake.installed.add(
        new InstalledRoute(
            3,
            IpPrefix.parse("0.0.0.0/0"),
            IpPrefix.parseAddress("203.0.113.1"),
            IpPrefix.parseAddress("203.0.113.10"),
            254,
            0,
            false));
  }

  private String reason(String name) {
    var status = loop.statuses().get(name);
    return status.state() + " " + status.reason();
  }

  private boolean deleted() {
    loop.stop(1_000);
    var before = fake.log.subList(0, Math.max(0, fake.log.indexOf("advert 0 eth0")));
    return before.stream().anyMatch(line -> line.startsWith("delete") && line.contains("113.10"));
  }

  @Test
  void anAgentThatIsBackWithinItsLeaseGoesOnAsMasterWithoutWaitingForItsChecks() {
    leaveAll(3);
    start(masterOf(WEB), WEB);
    assertEquals("Master Resumed", reason("web"));
    assertEquals(masterOf(WEB), masters);
    assertFalse(deleted(), fake.log::toString);
    assertTrue(fake.log.contains("advert 100 eth0"), fake.log::toString);
  }

  @Test
  void theTimeThatSomethingWaitedForTheLoopIsPartOfTheDecision() {
    long waited = 20_000_000;
    var node = fake.node;
    var timed =
        new Node(
            node.network(),
            node.addresses(),
            node.services().port(),
            node.ports(),
            node.checks(),
            node.metrics(),
            node.recorder(),
            new Stopwatch(System::nanoTime),
            node.bootedAt(),
            node.clock());
    loop = new VirtualRouterLoop(Map.of(), Set.of(), timed, new Ears());
    loop.put(new Input.PlanChanged(plan(WEB)));
    loop.put(new Input.CheckChanged("web", FakeNode.good("nginx")));
    long put = System.nanoTime();
    Await.until(() -> System.nanoTime() - put > waited, () -> "time stands still");
    Thread.ofPlatform().daemon().start(loop);
    Await.until(
        () -> loop.configured() && loop.statuses().get("web").state() == State.Backup,
        loop::statuses);
    var took = loop.statuses().get("web").history().getFirst().took();
    var decided = Pattern.compile("decided ([0-9.]+)ms").matcher(took);
    assertTrue(decided.find() && Double.parseDouble(decided.group(1)) >= waited / 1e6, took);
  }

  @Test
  void afterTheEarliestTakeoverItStartsAsBackupAndServesOnUntilItsLeaseEnds() {
    leaveAll(1);
    start(masterOf(WEB), WEB);
    assertEquals("Init CheckPending(nginx)", reason("web"));
    assertEquals(2, fake.bound.size(), "the node's own address, and what is left");
    Await.until(() -> fake.bound.size() == 1 && fake.installed.isEmpty(), fake.log::toString);
  }

  /** A backup has followed within the detection time, perhaps. */
  @Test
  void withBfdItStartsAsBackupAndServesOn() {
    leaveAll(3);
    var web = WEB.replace("  healthChecks", "  detection: {bfd: {}}\n  healthChecks");
    start(masterOf(web), web);
    assertEquals("Init CheckPending(nginx)", reason("web"));
    assertEquals(2, fake.bound.size(), "the node's own address, and what is left");
  }

  @Test
  void aRuleStaysWithAMasterThatGoesOnAndElseGoesBeforeItsRoute() {
    var rule = new PolicyRule(IpPrefix.parse("203.0.113.10/32"), null, 100, 1000);
    var old = new PolicyRule(null, IpPrefix.parse("10.0.0.0/8"), 100, 1000);
    var withRule =
        WEB.replace(
            "healthChecks",
            "rules: [{from: 203.0.113.10, table: 100, priority: 1000}]\n" + "  healthChecks");
    leaveAll(3);
    fake.rules.addAll(List.of(rule, old));
    start(masterOf(withRule), withRule);
    assertEquals("Master Resumed", reason("web"));
    assertEquals(Set.of(rule), fake.rules);
    assertFalse(fake.log.contains("delete rule " + rule), fake.log::toString);
    loop.stop(1_000);
    assertEquals(Set.of(), fake.rules);

    leaveAll(3);
    fake.rules.add(rule);
    fake.log.clear();
    start(Map.of(), withRule);
    assertEquals(
        List.of("delete rule " + rule, "delete route 0.0.0.0/0", "delete 203.0.113.10/24"),
        fake.log.subList(0, 3));
  }

  @Test
  void withoutItsAddressItStartsAsBackup() {
    start(masterOf(WEB), WEB);
    assertEquals("Init CheckPending(nginx)", reason("web"));
  }

  @Test
  void anAddressAloneIsNoProof() {
    leaveAll(3);
    start(Map.of(), WEB);
    assertEquals("Init CheckPending(nginx)", reason("web"));
    assertEquals(1, fake.bound.size(), "the node's own address only");
  }

  @Test
  void anotherVirtualRouterDoesNotGoOn() {
    leaveAll(3);
    start(masterOf(WEB), WEB.replace("vrid: 77", "vrid: 78"));
    assertEquals("Init CheckPending(nginx)", reason("web"));
    assertEquals(1, fake.bound.size(), "the node's own address only");
  }

  @Test
  void aFaultEndsTheEarlierLifeForGood() {
    leaveAll(3);
    fake.link("eth1", 3, false);
    fake.report();
    start(masterOf(WEB), WEB);
    assertEquals("Fault LinkDown(eth1)", reason("web"));
    assertEquals(1, fake.bound.size(), "the node's own address only");
  }

  @Test
  void aSyncGroupGoesOnTogetherOrNotAtAll() {
    Function<String, String> member =
        text ->
            text.replace("vrid", "syncGroup: edge\n  vrid")
                .replace("[{name: nginx, http: {}}]", "[]");
    var web = member.apply(WEB);
    var inside =
        web.replace("name: web,", "name: inside,")
            .replace("vrid: 77", "vrid: 78")
            .replace("routes: [{to: default, via: 203.0.113.1, interface: eth1}]", "routes: []")
            .replace("113.10", "113.20");
    leaveAll(3);
    leave("203.0.113.20/24", 1);
    start(masterOf(web, inside), web, inside);
    assertEquals("Backup Started", reason("web"));
    assertEquals("Backup Started", reason("inside"));
  }

  @Test
  void aMemberOfASyncGroupDoesNotBeginBeforeItKnowsTheOthers() {
    var web = WEB.replace("vrid", "syncGroup: edge\n  vrid");
    var inside =
        web.replace("name: web,", "name: inside,")
            .replace("vrid: 77", "vrid: 78")
            .replace("113.10", "113.20")
            .replace("[{name: nginx, http: {}}]", "[]")
            .replace("routes: [{to: default, via: 203.0.113.1, interface: eth1}]", "routes: []");
    start(Map.of(), web, inside);
    assertEquals("Init SyncGroupPending(web)", reason("inside"));
    assertEquals(
        1, loop.statuses().get("inside").transitions(), "it has never been Backup, or Fault");
  }

  @Test
  void aStuckLoopIsNotAlive() {
    blocks = true;
    loop = new VirtualRouterLoop(Map.of(), Set.of(), fake.node, new Ears());
    Thread.ofPlatform().daemon().start(loop);
    assertTrue(loop.alive());
    loop.put(new Input.PlanChanged(plan(WEB)));
    Await.until(() -> !loop.alive(), loop::alive);
    stuck.countDown();
    Await.until(loop::alive, loop::alive);
  }

  private final class Ears extends NobodyListens {
    @Override
    public void changed(String virtualIp, NodeStatus status) {
      if (blocks) {
        try {
          stuck.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
    }

    @Override
    public void masters(Map<String, MasterRecord.Master> now) {
      masters = now;
    }
  }
}
