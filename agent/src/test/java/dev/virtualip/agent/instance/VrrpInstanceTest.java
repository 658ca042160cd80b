package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.check.CheckState;
import dev.virtualip.agent.check.Verdict;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.Advertisement;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.Datagram;
import dev.virtualip.agent.vrrp.Password;
import dev.virtualip.agent.vrrp.Reasons;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.Speaker;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.schema.VirtualIpStatus.Transition;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What a node does for a VirtualIP, on a node in memory and without a clock. */
class VrrpInstanceTest {
  private static final HexFormat HEX = HexFormat.of();
  private static final long SECOND = 1_000_000_000L;
  private static final InetAddress PEER = InetAddress.ofLiteral("10.0.0.12");
  private static final SecretKey KEY = new SecretKey("vip-auth", "web");
  private static final byte[] PASSWORD = "s3cret".getBytes(StandardCharsets.US_ASCII);
  private static final String SEED =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: web, generation: 1}
      spec:
        vrid: 77
        vrrpVersion: 2
        interface: eth0
        authentication: {passwordSecretRef: {name: vip-auth, key: web}}
        addresses: [{address: 203.0.113.10/24, interface: eth1}]
        routes: [{to: default, via: 203.0.113.1, interface: eth1}]
        healthChecks: [{name: nginx, http: {}}]
      """;

  private static final String WITH_RULE =
      SEED + "  rules: [{from: 203.0.113.10, table: 100, priority: 1000}]\n";
  private static final PolicyRule RULE =
      new PolicyRule(IpPrefix.parse("203.0.113.10/32"), null, 100, 1000);

  private final FakeNode fake = new FakeNode();
  private Map<SecretKey, byte[]> secrets = Map.of(KEY, PASSWORD);
  private List<NodeFacts> nodes = List.of();
  private VrrpInstance instance;
  private long now = 1;
  private int told;

  private InstanceConfig config(String yaml) {
    return InstanceConfig.from(
        Serialization.unmarshal(yaml, VirtualIp.class), "node-a", secrets, nodes);
  }

  private void start(String yaml) {
    instance = new VrrpInstance(config(yaml), false, fake.node, _ -> told++);
    instance.start(now);
  }

  private void becomeMaster() {
    becomeMaster(SEED);
  }

  private void becomeMaster(String yaml) {
    start(yaml);
    instance.onCheck(FakeNode.good("nginx"), now);
    expire();
    assertEquals(State.Master, instance.status().state());
    fake.log.clear();
  }

  private void expire() {
    now = instance.deadline();
    instance.onDeadline(now);
  }

  private void hear(int priority, String password, InetAddress... addresses) {
    var advert = new Advertisement(Version.V2, 77, priority, SECOND, List.of(addresses));
    var bytes =
        AdvertisementCodec.encode(
            advert, new Password(password.getBytes(StandardCharsets.US_ASCII)), PEER, Frames.GROUP);
    instance.onDatagram(new Datagram(PEER, Frames.GROUP, 255, bytes), now);
  }

  private double rejected() {
    return counted("virtualip.adverts.rejected");
  }

  private double counted(String name) {
    return fake.registry.find(name).counters().stream()
        .mapToDouble(counter -> counter.count())
        .sum();
  }

  /** The node is read anew, and the instance is told. */
  private void networkRead(long at) {
    fake.report();
    instance.networkChanged(at);
    instance.networkRead(at);
  }

  @Test
  void case42_itWaitsForTheFirstCheckResult() {
    start(SEED);
    assertEquals(State.Init, instance.status().state());
    assertEquals("CheckPending(nginx)", instance.status().reason());
    assertEquals(Long.MAX_VALUE, instance.deadline(), "and says nothing");
    assertEquals(List.of(), fake.log);
    instance.onCheck(FakeNode.good("nginx"), now);
    assertEquals(State.Backup, instance.status().state());
    assertEquals("Started", instance.status().reason());
  }

  @Test
  void becomingMasterIsAdvertThenAddressThenRouteThenAnnouncement() {
    start(SEED);
    instance.onCheck(FakeNode.good("nginx"), now);
    fake.log.clear();
    expire();
    assertEquals(
        List.of("advert 100 eth0", "put 203.0.113.10/24 lease 4", "put route 0.0.0.0/0"),
        fake.log.subList(0, 3));
    assertEquals(10, fake.log.stream().filter("arp eth1"::equals).count(), "5 rounds, 2 forms");
    assertEquals(13, fake.log.size());
  }

  private double measured(String metric, String part) {
    return fake.registry.get(metric).tag("part", part).timer().totalTime(TimeUnit.MILLISECONDS);
  }

  private Transition newest() {
    return instance.status().history().getFirst();
  }

  @Test
  void aTakeoverIsMeasuredInItsParts() {
    start(SEED);
    instance.onCheck(FakeNode.good("nginx"), now);
    fake.ticks = instance.deadline() + 2_000_000;
    expire();
    assertEquals(2, measured("virtualip.takeover", "Decided"), "so late was the timer");
    assertEquals(3, measured("virtualip.takeover", "Advert"));
    assertEquals(4, measured("virtualip.takeover", "Bound"));
    assertEquals(6, measured("virtualip.takeover", "Announced"), "in both forms, once");
    assertEquals(14, measured("virtualip.takeover", "Total"), "five times");
    assertEquals(
        new Transition(
            "2026-01-01T00:00:00.000Z",
            State.Backup,
            State.Master,
            "MasterDown",
            "14.00ms: decided 2.00ms, advert 3.00ms, bound 4.00ms, announced 6.00ms"),
        newest());
    assertEquals(10, counted("virtualip.announcements.sent"));
    assertEquals(1, counted("virtualip.lease.renewals"));
    expire();
    assertEquals(2, counted("virtualip.lease.renewals"));
  }

  @Test
  void whatAMasterThatFailsTakesToLetGoIsMeasured() {
    becomeMaster();
    fake.node
        .stopwatch()
        .since(fake.ticks - 3_000_000, () -> instance.onCheck(FakeNode.failed("nginx", "no"), now));
    assertEquals("5.00ms: decided 3.00ms, resigned 4.00ms, released 5.00ms", newest().took());
    assertEquals(State.Master, newest().from());
    assertEquals(State.Fault, newest().to());
    assertEquals("CheckFailed(nginx)", newest().reason());
    assertEquals(5, measured("virtualip.release", "Released"));
    assertEquals(5, measured("virtualip.release", "Total"));
  }

  @Test
  void aBindThatIsRefusedIsNoTakeover() {
    start(SEED);
    instance.onCheck(FakeNode.good("nginx"), now);
    fake.refusal = "EPERM";
    expire();
    assertEquals(State.Backup, newest().from());
    assertEquals(State.Fault, newest().to());
    assertNull(fake.registry.find("virtualip.takeover").timer());
  }

  @Test
  void anAdvertThatDoesNotGetOutIsNoPartOfATakeover() {
    start(SEED);
    instance.onCheck(FakeNode.good("nginx"), now);
    fake.broken.add("eth0");
    expire();
    assertTrue(newest().took().contains("decided 0.00ms, bound "), newest().took());
  }

  @Test
  void whoHandsOverTellsOfItsReleaseWithItsNextWord() {
    becomeMaster();
    fake.ticks = 0;
    instance.ask(request("t1"), now);
    assertEquals("3.00ms: decided 0.00ms, resigned 1.00ms", newest().took());
    fake.ticks = 700_000_000;
    int before = told;
    hear(80, "s3cret", InetAddress.ofLiteral("203.0.113.10"));
    assertEquals("701.00ms: decided 0.00ms, resigned 1.00ms, released 701.00ms", newest().took());
    assertEquals(before + 1, told, "the only further word is the master that it hears now");
    assertEquals(701, measured("virtualip.release", "Total"));
  }

  @Test
  void theRouteDependsOnTheAddressSoThatItEndsWithTheLease() {
    becomeMaster();
    var route = fake.installed.iterator().next();
    assertEquals(InetAddress.ofLiteral("203.0.113.10"), route.source());
  }

  @Test
  void rulesComeAfterRoutesAndGoBeforeThem() {
    start(WITH_RULE);
    instance.onCheck(FakeNode.good("nginx"), now);
    fake.log.clear();
    expire();
    assertEquals(
        List.of("put route 0.0.0.0/0", "put rule " + RULE, "arp eth1"), fake.log.subList(2, 5));
    assertEquals("from 203.0.113.10/32 to all lookup 100 priority 1000", RULE.toString());
    fake.log.clear();
    instance.onCheck(FakeNode.failed("nginx", "refused"), now);
    assertEquals(
        List.of(
            "advert 0 eth0",
            "delete rule " + RULE,
            "delete route 0.0.0.0/0",
            "delete 203.0.113.10/24"),
        fake.log);
  }

  @Test
  void aMasterHandsOverWhileWhatIsCheckedServesItsLastMoments() {
    becomeMaster();
    instance.onCheck(leaving(), now);
    assertEquals(Collections.nCopies(3, "advert 0 eth0"), fake.log, "and serves on");
    assertEquals(State.Backup, instance.status().state());
    assertEquals("HandedOver(PodTerminating(nginx))", instance.status().reason());
    assertEquals("check nginx: it is being deleted", instance.status().message());
    assertEquals(1, instance.status().priority());
    hear(80, "s3cret", InetAddress.ofLiteral("203.0.113.10"));
    assertTrue(fake.log.contains("delete 203.0.113.10/24"), fake.log::toString);
    instance.onCheck(FakeNode.failed("nginx", "no Ready pod"), now);
    assertEquals("CheckFailed(nginx)", instance.status().reason());
  }

  @Test
  void whereNobodyFollowsItServesAgainAsTheLastResort() {
    becomeMaster();
    instance.onCheck(leaving(), now);
    expire();
    assertTrue(fake.log.contains("delete 203.0.113.10/24"), fake.log::toString);
    expire();
    assertEquals(State.Master, instance.status().state());
    instance.onCheck(leaving(), now);
    assertEquals(State.Master, instance.status().state(), "it is asked once");
    instance.onCheck(FakeNode.good("nginx"), now);
    assertEquals(100, instance.status().priority(), "another pod has come");
  }

  private static CheckState leaving() {
    return new CheckState("nginx", 0, false, Verdict.Leaving, "it is being deleted");
  }

  @Test
  void aRuleHasNoLeaseToRenew() {
    becomeMaster(WITH_RULE);
    expire();
    assertEquals(List.of("advert 100 eth0", "put 203.0.113.10/24 lease 4"), fake.log);
  }

  @Test
  void aRuleThatSomebodyRemovesIsPutBackAndCounted() {
    becomeMaster(WITH_RULE);
    networkRead(now);
    assertEquals(List.of(), fake.log, "that was not ours");
    fake.rules.clear();
    networkRead(now);
    assertEquals(Set.of(RULE), fake.rules);
    assertEquals(State.Master, instance.status().state());
    assertEquals(
        1, fake.registry.get("virtualip.addresses.restored").tag("vip", "web").counter().count());
  }

  @Test
  void aRuleThatGoesWhileAnotherIsMasterStaysAway() {
    becomeMaster(WITH_RULE);
    hear(150, "s3cret", InetAddress.ofLiteral("203.0.113.10"));
    fake.log.clear();
    networkRead(now);
    assertEquals(List.of(), fake.log);
  }

  @Test
  void anEditedRuleIsAddedBeforeTheOldOneGoesAndTheMasterStays() {
    becomeMaster(WITH_RULE);
    instance.update(config(WITH_RULE.replace("table: 100", "table: 200")), now);
    var next = new PolicyRule(RULE.from(), null, 200, 1000);
    assertEquals(
        List.of("put 203.0.113.10/24 lease 4", "put rule " + next, "delete rule " + RULE),
        fake.log.subList(0, 3));
    assertEquals(Set.of(next), fake.rules);
    assertEquals(State.Master, instance.status().state());
    instance.update(config(SEED), now);
    assertEquals(Set.of(), fake.rules);
  }

  @Test
  void theSameRuleOfSomebodyElseIsAFaultThatNamesIt() {
    fake.foreignRules.add(RULE);
    start(WITH_RULE);
    instance.onCheck(FakeNode.good("nginx"), now);
    expire();
    assertEquals("BindFailed", instance.status().reason());
    assertEquals(
        "rule " + RULE + ": EEXIST: somebody else has added the very same rule",
        instance.status().message());
    assertEquals(Set.of(), fake.installed, "nothing is left");
  }

  @Test
  void everyAdvertRenewsTheLease() {
    becomeMaster();
    expire();
    assertEquals(List.of("advert 100 eth0", "put 203.0.113.10/24 lease 4"), fake.log);
  }

  @Test
  void aSecondBurstFollowsAfterFiveSecondsAndThenOneRoundAMinute() {
    becomeMaster();
    long became = now;
    while (!fake.log.contains("arp eth1")) {
      expire();
    }
    assertEquals(5 * SECOND, now - became);
    assertEquals(10, fake.log.stream().filter("arp eth1"::equals).count());
    fake.log.clear();
    while (!fake.log.contains("arp eth1")) {
      expire();
    }
    assertEquals(65 * SECOND, now - became);
    assertEquals(2, fake.log.stream().filter("arp eth1"::equals).count());
  }

  @Test
  void aFailedCheckResignsAndTakesRouteAndAddressOff() {
    becomeMaster();
    instance.onCheck(FakeNode.failed("nginx", "connect refused 127.0.0.1:80"), now);
    assertEquals(
        List.of("advert 0 eth0", "delete route 0.0.0.0/0", "delete 203.0.113.10/24"), fake.log);
    assertEquals(State.Fault, instance.status().state());
    assertEquals("CheckFailed(nginx)", instance.status().reason());
    assertEquals("connect refused 127.0.0.1:80", instance.status().message());
  }

  @Test
  void aHigherPeerTakesAddressAndRouteAndNoResignationIsSent() {
    becomeMaster();
    hear(150, "s3cret", InetAddress.ofLiteral("203.0.113.10"));
    assertEquals(
        List.of("delete route 0.0.0.0/0", "delete 203.0.113.10/24", "advert 100 eth0"), fake.log);
    assertEquals("HigherPriority(10.0.0.12)", instance.status().reason());
  }

  @Test
  void case58_aWrongPasswordChangesACounterAndNothingElse() {
    becomeMaster();
    long deadline = instance.deadline();
    hear(150, "wrong", InetAddress.ofLiteral("203.0.113.10"));
    assertEquals(List.of(), fake.log);
    assertEquals(deadline, instance.deadline());
    assertEquals(1, rejected());
  }

  @Test
  void case17_anotherAddressListIsNoReasonToDropAnAdvert() {
    becomeMaster();
    hear(150, "s3cret", InetAddress.ofLiteral("203.0.113.99"));
    assertEquals(State.Backup, instance.status().state());
    assertEquals(0, rejected());
    assertEquals(1, counted("virtualip.adverts.differing"));
    hear(150, "s3cret", InetAddress.ofLiteral("203.0.113.10"));
    assertEquals(1, counted("virtualip.adverts.differing"));
  }

  @Test
  void resignationsAreCountedApart() {
    becomeMaster();
    hear(0, "s3cret", InetAddress.ofLiteral("203.0.113.10"));
    instance.stop(Reasons.reason("AgentStopped"), now);
    assertEquals(1, counted("virtualip.resignations.received"));
    assertEquals(1, counted("virtualip.resignations.sent"));
    assertEquals(3, counted("virtualip.adverts.sent"), "when it became master, as answer, as last");
  }

  @Test
  void case45_anAddressThatSomebodyRemovesIsPutBackAndAnnounced() {
    becomeMaster();
    var prefix = IpPrefix.parse("203.0.113.10/24");
    fake.bound.remove(prefix);
    networkRead(now);
    assertTrue(fake.bound.containsKey(prefix));
    assertTrue(fake.log.contains("arp eth1"));
    assertEquals(State.Master, instance.status().state());
  }

  @Test
  void anAddressThatSomebodyElseHasBoundHereIsToldWhileAnotherIsMaster() {
    start(SEED);
    instance.onCheck(FakeNode.good("nginx"), now);
    assertNull(instance.status().strayAddresses());
    fake.bind(3, "203.0.113.10/32", 0);
    fake.report();
    instance.evaluate(now);
    assertEquals(List.of("203.0.113.10/32 dev eth1"), instance.status().strayAddresses());
    assertEquals("AddressInUse(203.0.113.10)", instance.status().reason());
    fake.bound.remove(IpPrefix.parse("203.0.113.10/32"));
    fake.report();
    instance.evaluate(now);
    assertNull(instance.status().strayAddresses());
    assertEquals(State.Backup, instance.status().state());
  }

  @Test
  void routesThatWentUnreportedWithTheAddressArePutBackToo() {
    becomeMaster();
    var prefix = IpPrefix.parse("203.0.113.10/24");
    fake.bound.remove(prefix);
    fake.installed.clear();
    networkRead(now);
    assertEquals(1, fake.installed.size());
  }

  @Test
  void aRefusedBindIsAFaultThatIsTriedAgain() {
    start(SEED);
    instance.onCheck(FakeNode.good("nginx"), now);
    fake.refusal = "EPERM: the capability NET_ADMIN is missing";
    fake.log.clear();
    expire();
    assertEquals(State.Fault, instance.status().state());
    assertEquals("BindFailed", instance.status().reason());
    assertTrue(instance.status().message().contains("NET_ADMIN"), instance.status().message());
    assertTrue(fake.log.contains("advert 0 eth0"));
    fake.refusal = null;
    expire();
    assertEquals(State.Backup, instance.status().state());
  }

  @Test
  void aBindThatIsRefusedAgainAndAgainIsTriedEverMoreSeldom() {
    start(SEED);
    instance.onCheck(FakeNode.good("nginx"), now);
    fake.refusal = "EEXIST: somebody else's route";
    expire();
    long first = instance.deadline() - now;
    expire();
    expire();
    assertEquals(State.Fault, instance.status().state());
    assertEquals(2 * first, instance.deadline() - now);
  }

  @Test
  void aMissingNicIsAFaultThatNamesTheOthersAndHeals() {
    var removed = fake.links.remove("eth1");
    fake.report();
    start(SEED);
    instance.onCheck(FakeNode.good("nginx"), now);
    assertEquals("InterfaceNotFound(eth1)", instance.status().reason());
    assertTrue(instance.status().message().contains("eth0"), instance.status().message());
    fake.links.put("eth1", removed);
    fake.report();
    networkRead(now);
    assertEquals(State.Backup, instance.status().state());
    assertNull(instance.status().message());
  }

  @Test
  void whatWentWhileTheKernelsReportsWereLostIsPutBack() {
    becomeMaster();
    fake.installed.clear();
    fake.report();
    networkRead(now);
    assertEquals(1, fake.installed.size(), fake.log::toString);
    assertEquals(State.Master, instance.status().state());
  }

  @Test
  void case44_aNicWithoutCarrierIsAFault() {
    becomeMaster();
    fake.link("eth1", 3, false);
    fake.report();
    networkRead(now);
    assertEquals("LinkDown(eth1)", instance.status().reason());
    assertFalse(fake.bound.containsKey(IpPrefix.parse("203.0.113.10/24")));
  }

  @Test
  void case46_withoutAnAddressOfItsOwnTheAdvertNicIsAFault() {
    becomeMaster();
    fake.bound.remove(IpPrefix.parse("10.0.0.11/24"));
    fake.report();
    networkRead(now);
    assertEquals("NoAddress(eth0)", instance.status().reason());
    fake.bind(2, "10.0.0.21/24", 0);
    fake.report();
    networkRead(now);
    assertEquals(State.Backup, instance.status().state());
    expire();
    var source =
        Frames.vrrp(fake.sent.get("eth0").getLast()).orElseThrow().source().getHostAddress();
    assertEquals("10.0.0.21", source);
  }

  @Test
  void aMissingSecretIsAFaultThatSaysWhatToCreate() {
    secrets = Map.of();
    start(SEED);
    instance.onCheck(FakeNode.good("nginx"), now);
    assertEquals("SecretNotFound(vip-auth/web)", instance.status().reason());
    secrets = Map.of(KEY, PASSWORD);
    instance.update(config(SEED), now);
    assertEquals(State.Backup, instance.status().state());
  }

  @Test
  void anEditedAddressIsAddedBeforeTheOldOneGoesAndTheMasterStays() {
    becomeMaster();
    instance.update(config(SEED.replace("113.10/24", "113.20/24").replace("n: 1", "n: 2")), now);
    assertEquals("put 203.0.113.20/24 lease 4", fake.log.get(0));
    assertTrue(
        fake.log.indexOf("delete 203.0.113.10/24") > fake.log.indexOf("put route 0.0.0.0/0"));
    assertEquals(State.Master, instance.status().state());
    assertEquals(2, instance.status().acceptedGeneration());
    assertEquals(1, fake.installed.size(), "the route of the old source is gone");
  }

  @Test
  void anEditedPriorityIsAdvertisedWithoutLeavingMaster() {
    becomeMaster();
    instance.update(config(SEED.replace("vrid: 77", "vrid: 77\n  priority: 120")), now);
    assertEquals(State.Master, instance.status().state());
    assertEquals(120, instance.status().priority());
    expire();
    assertEquals("advert 120 eth0", fake.log.get(fake.log.size() - 2));
  }

  @Test
  void anEditedPasswordIsSentAndAskedForWithoutLeavingMaster() {
    becomeMaster();
    secrets = Map.of(KEY, "another".getBytes(StandardCharsets.US_ASCII));
    instance.update(config(SEED), now);
    assertEquals(State.Master, instance.status().state());
    var sent = Frames.vrrp(fake.sent.get("eth0").getLast()).orElseThrow().payload();
    assertEquals("another\0", new String(sent, sent.length - 8, 8, StandardCharsets.US_ASCII));
    hear(150, "s3cret", InetAddress.ofLiteral("203.0.113.10"));
    assertEquals(State.Master, instance.status().state());
    hear(150, "another", InetAddress.ofLiteral("203.0.113.10"));
    assertEquals(State.Backup, instance.status().state());
  }

  @Test
  void anEditedIntervalIsAdvertisedAtOnceAndTheLeaseFollowsWithoutLeavingMaster() {
    becomeMaster();
    instance.update(config(SEED.replace("vrid: 77", "vrid: 77\n  advertInterval: 3s")), now);
    assertEquals(
        List.of("put 203.0.113.10/24 lease 10", "advert 100 eth0"), fake.log.subList(0, 2));
    assertEquals(State.Master, instance.status().state());
    assertEquals(3 * SECOND, instance.deadline() - now);
  }

  @Test
  void anEditedRouteIsAddedBeforeTheOldOneGoesAndTheMasterStays() {
    becomeMaster();
    instance.update(config(SEED.replace("to: default", "to: 10.0.0.0/8")), now);
    assertEquals(
        List.of("put route 10.0.0.0/8", "delete route 0.0.0.0/0"),
        fake.log.stream().filter(line -> line.contains("route")).toList());
    assertEquals(State.Master, instance.status().state());
  }

  @Test
  void aCheckAddedToAMasterDoesNotCostTheMastership() {
    becomeMaster();
    var two =
        SEED.replace(
            "[{name: nginx, http: {}}]", "[{name: nginx, http: {}}, {name: b, tcp: {port: 1}}]");
    instance.update(config(two), now);
    assertEquals(State.Master, instance.status().state());
    assertEquals("[b, nginx]", fake.checksRunning.toString());
    instance.onCheck(FakeNode.failed("b", "connect refused"), now);
    assertEquals("CheckFailed(b)", instance.status().reason());
  }

  @Test
  void stoppingHandsOverAndEndsTheChecks() {
    becomeMaster();
    instance.stop(Reasons.reason("AgentStopped"), now);
    assertEquals("advert 0 eth0", fake.log.getFirst());
    assertEquals("[]", fake.checksRunning.toString());
    assertEquals(State.Init, instance.status().state());
  }

  @Test
  void aRefusedEditShowsInTheMessageOfWhatRunsOn() {
    becomeMaster();
    instance.refuse(2L, List.of(new Problem("spec.vrid", "256 is not a VRID: use 1 to 255")));
    assertEquals(
        "not run: spec.vrid: 256 is not a VRID: use 1 to 255", instance.status().message());
    assertEquals("Invalid", instance.status().refusedReason());
    assertEquals(State.Master, instance.status().state());
    instance.refuse(2L, List.of());
    assertNull(instance.status().message());
    assertNull(instance.status().refusedReason());
  }

  @Test
  void case34_aFrozenMasterLetsGoBeforeItActsOnAnythingElse() {
    becomeMaster();
    now = instance.deadline() + 10 * SECOND;
    instance.onDeadline(now);
    assertEquals(List.of("delete route 0.0.0.0/0", "delete 203.0.113.10/24"), fake.log);
    assertEquals("LateWakeUp", instance.status().reason());
  }

  @Test
  void case39_aFailedCheckWithAWeightLowersThePriority() {
    start(SEED.replace("http: {}}", "http: {}, weight: -30}"));
    assertEquals(State.Backup, instance.status().state(), "a weight is nothing to wait for");
    instance.onCheck(new CheckState("nginx", -30, false, Verdict.Failed, "refused"), now);
    assertEquals(70, instance.status().priority());
    assertEquals(3_726_562_500L, instance.deadline() - now);
  }

  @Test
  void aCheckTurnedRoundIsAFaultWhileItIsGood() {
    start(SEED.replace("http: {}}", "http: {}, reverse: true}"));
    instance.onCheck(new CheckState("nginx", 0, true, Verdict.Failed, "no such file"), now);
    assertEquals(State.Backup, instance.status().state());
    assertEquals(null, instance.status().message());
    instance.onCheck(new CheckState("nginx", 0, true, Verdict.Good, ""), now);
    assertEquals("CheckGood(nginx)", instance.status().reason());
    assertEquals("check nginx is good, and reverse is set", instance.status().message());
  }

  @Test
  void aTrackedNicWithAWeightCountsWhileItIsUp() {
    fake.link("eth2", 4, true);
    fake.report();
    start(SEED.replace("vrid: 77", "vrid: 77\n  trackInterfaces: [{name: eth2, weight: 20}]"));
    assertEquals(120, instance.status().priority());
    fake.link("eth2", 4, false);
    fake.report();
    networkRead(now);
    assertEquals(100, instance.status().priority());
  }

  @Test
  void aTrackedNicWithoutAWeightIsAFaultWhenDown() {
    start(SEED.replace("vrid: 77", "vrid: 77\n  trackInterfaces: [{name: eth2}]"));
    instance.onCheck(FakeNode.good("nginx"), now);
    assertEquals("InterfaceNotFound(eth2)", instance.status().reason());
    assertTrue(instance.status().message().startsWith("spec.trackInterfaces[0].name: "));
  }

  @Test
  void afterABootItWaitsAsLongAsItIsToldTo() {
    start(SEED.replace("vrid: 77", "vrid: 77\n  delayAfterBoot: 31m"));
    instance.onCheck(FakeNode.good("nginx"), now);
    assertEquals(State.Init, instance.status().state());
    assertEquals("DelayAfterBoot", instance.status().reason());
    expire();
    assertEquals(60 * SECOND, now);
    assertEquals(State.Backup, instance.status().state());
    assertEquals("Started", instance.status().reason());
    assertEquals(3_609_375_000L, instance.deadline() - now);
  }

  @Test
  void aRouterThatTakesPartIsNotDelayedByAnEdit() {
    becomeMaster();
    var edit = SEED.replace("vrid: 77", "vrid: 77\n  delayAfterBoot: 1h");
    instance.update(config(edit), now);
    assertEquals(State.Master, instance.status().state());
  }

  @Test
  void aMasterWhoseNicHasAnotherHardwareAddressAnnouncesAtOnceAndAgain() {
    becomeMaster(SEED);
    fake.sent.clear();
    fake.link("eth1", 3, true, 2, 0, 0, 0, 0x0b, 1);
    networkRead(now);
    var frames = fake.sent.get("eth1");
    assertEquals(10, frames.size(), "five, of both forms");
    frames.forEach(frame -> assertEquals("020000000b01", HEX.formatHex(frame, 6, 12)));
    long changed = now;
    networkRead(now);
    assertEquals(10, fake.sent.get("eth1").size(), "no more than once");
    while (fake.sent.get("eth1").size() == 10) {
      expire();
    }
    assertEquals(5 * SECOND, now - changed);
  }

  @Test
  void aNicThatIsDownAnnouncesItsHardwareAddressWhenItIsUp() {
    becomeMaster(SEED.replace("vrid: 77", "vrid: 77\n  linkDebounce: 1500ms"));
    fake.sent.clear();
    fake.link("eth1", 3, false, 2, 0, 0, 0, 0x0b, 1);
    networkRead(now);
    assertFalse(fake.sent.containsKey("eth1"));
    fake.link("eth1", 3, true, 2, 0, 0, 0, 0x0b, 1);
    networkRead(now);
    assertEquals(10, fake.sent.get("eth1").size());
  }

  @Test
  void aBackupAnnouncesNoHardwareAddress() {
    start(SEED);
    instance.onCheck(FakeNode.good("nginx"), now);
    fake.link("eth1", 3, true, 2, 0, 0, 0, 0x0b, 1);
    networkRead(now);
    assertFalse(fake.sent.containsKey("eth1"));
  }

  private void carrier(boolean up) {
    fake.link("eth1", 3, up);
    networkRead(now);
  }

  @Test
  void aNicIsDownAtOnceAndUpAfterItsDelay() {
    becomeMaster(SEED.replace("vrid: 77", "vrid: 77\n  linkUpDelay: 35s"));
    carrier(false);
    assertEquals("LinkDown(eth1)", instance.status().reason());
    carrier(true);
    long up = now;
    assertEquals("LinkDown(eth1)", instance.status().reason());
    assertEquals(
        "eth1 is up, and counts as down until spec.linkUpDelay is over",
        instance.status().message());
    expire();
    assertEquals(35 * SECOND, now - up);
    assertEquals(State.Backup, instance.status().state());
    assertEquals(3_609_375_000L, instance.deadline() - now, "it listens first");
  }

  @Test
  void aNicThatGoesDownAgainBeginsItsDelayAnew() {
    becomeMaster(SEED.replace("vrid: 77", "vrid: 77\n  linkUpDelay: 35s"));
    carrier(false);
    carrier(true);
    now += 20 * SECOND;
    carrier(false);
    carrier(true);
    long up = now;
    expire();
    assertEquals(35 * SECOND, now - up);
  }

  @Test
  void aNicThatIsUpWhenTheAgentStartsHasBeenSoSinceTheBoot() {
    start(SEED.replace("vrid: 77", "vrid: 77\n  linkUpDelay: 29m"));
    instance.onCheck(FakeNode.good("nginx"), now);
    assertEquals(State.Backup, instance.status().state());
    instance.stop(Reasons.reason("Deleted"), now);

    start(SEED.replace("vrid: 77", "vrid: 77\n  linkUpDelay: 31m"));
    instance.onCheck(FakeNode.good("nginx"), now);
    assertEquals("LinkDown(eth0), LinkDown(eth1)", instance.status().reason());
    expire();
    assertEquals(60 * SECOND, now);
    assertEquals(State.Backup, instance.status().state());
  }

  @Test
  void aNicThatIsPutInHasItsDelayToo() {
    becomeMaster(SEED.replace("vrid: 77", "vrid: 77\n  linkUpDelay: 35s"));
    fake.links.remove("eth1");
    networkRead(now);
    assertEquals("InterfaceNotFound(eth1)", instance.status().reason());
    carrier(true);
    assertEquals("LinkDown(eth1)", instance.status().reason());
    expire();
    assertEquals(State.Backup, instance.status().state());
  }

  @Test
  void downAndUpHaveDelaysOfTheirOwn() {
    becomeMaster(
        SEED.replace(
            "vrid: 77", "vrid: 77\n  linkDebounce: 1s\n  linkDownDelay: 0s\n  linkUpDelay: 2s"));
    carrier(false);
    assertEquals("LinkDown(eth1)", instance.status().reason());
    carrier(true);
    long up = now;
    expire();
    assertEquals(2 * SECOND, now - up);
    assertEquals(State.Backup, instance.status().state());
  }

  @Test
  void aLinkThatFlapsFasterThanTheDebounceIsNoFault() {
    start(SEED.replace("vrid: 77", "vrid: 77\n  linkDebounce: 500ms"));
    instance.onCheck(FakeNode.good("nginx"), now);
    expire();
    fake.link("eth1", 3, false);
    fake.report();
    networkRead(now);
    assertEquals(State.Master, instance.status().state());
    fake.link("eth1", 3, true);
    fake.report();
    networkRead(now + SECOND / 4);
    assertEquals(State.Master, instance.status().state());

    fake.link("eth1", 3, false);
    fake.report();
    networkRead(now);
    assertEquals(now + SECOND / 2, instance.deadline());
    expire();
    assertEquals("LinkDown(eth1)", instance.status().reason());
  }

  @Test
  void theNicMayBeAGlobOrAPrefix() {
    for (var selector : List.of("'et?0'", "10.0.0.0/24")) {
      start(SEED.replace("interface: eth0", "interface: " + selector));
      instance.onCheck(FakeNode.good("nginx"), now);
      fake.log.clear();
      expire();
      assertEquals("advert 100 eth0", fake.log.getFirst(), selector);
      instance.stop(Reasons.reason("Deleted"), now);
    }
  }

  private static HandOver request(String since) {
    return new HandOver(1, "Drain(cordoned)", since);
  }

  @Test
  void aMasterThatIsAskedToHandsOverAndServesUntilItsSuccessorSpeaks() {
    becomeMaster();
    instance.ask(request("t1"), now);
    assertEquals(Collections.nCopies(3, "advert 0 eth0"), fake.log);
    assertEquals(State.Backup, instance.status().state());
    assertEquals("HandedOver(Drain(cordoned))", instance.status().reason());
    assertEquals(1, instance.status().priority());
    assertTrue(fake.bound.containsKey(IpPrefix.parse("203.0.113.10/24")));
    hear(80, "s3cret", InetAddress.ofLiteral("203.0.113.10"));
    assertEquals(
        List.of(
            "advert 0 eth0",
            "advert 0 eth0",
            "advert 0 eth0",
            "delete route 0.0.0.0/0",
            "delete 203.0.113.10/24"),
        fake.log);
  }

  @Test
  void itDoesNotWaitForASuccessorThatIsLate() {
    becomeMaster();
    instance.ask(request("t1"), now);
    long asked = now;
    expire();
    assertEquals(255 * SECOND / 256, now - asked);
    assertFalse(fake.bound.containsKey(IpPrefix.parse("203.0.113.10/24")));
    assertEquals(State.Backup, instance.status().state());
  }

  @Test
  void aFaultWhileItWaitsForItsSuccessorReleasesAtOnce() {
    becomeMaster();
    instance.ask(request("t1"), now);
    instance.onCheck(FakeNode.failed("nginx", "refused"), now);
    assertFalse(fake.bound.containsKey(IpPrefix.parse("203.0.113.10/24")));
    assertEquals(State.Fault, instance.status().state());
  }

  @Test
  void whoIsAskedToHandOverIsTheLastResort() {
    becomeMaster();
    instance.ask(request("t1"), now);
    while (instance.status().state() != State.Master) {
      expire();
    }
    assertTrue(fake.log.contains("advert 1 eth0"), fake.log::toString);
    instance.ask(request("t1"), now);
    assertEquals(State.Master, instance.status().state(), "the same request again is none");
    instance.ask(request("t2"), now);
    assertEquals(State.Backup, instance.status().state(), "one of another time is");
    instance.ask(null, now);
    assertEquals(100, instance.status().priority());
  }

  @Test
  void anIntervalThatIsTooLongToLearnIsCountedAndToldAbout() {
    start(
        """
        metadata: {name: web, generation: 1}
        spec: {vrid: 77, interface: eth0, addresses: [{address: 203.0.113.10/24}]}
        """);
    var virtual = List.of(InetAddress.ofLiteral("203.0.113.10"));
    var advert = new Advertisement(Version.V3, 77, 200, 40 * SECOND, virtual);
    var bytes = AdvertisementCodec.encode(advert, null, PEER, Frames.GROUP);
    for (int i = 0; i < 2; i++) {
      instance.onDatagram(new Datagram(PEER, Frames.GROUP, 255, bytes), now);
      now += 5 * SECOND;
    }
    assertEquals(2, counted("virtualip.adverts.interval.bounded"));
    assertEquals(List.of(new Speaker("10.0.0.12", "LongInterval")), instance.status().speakers());
  }

  @Test
  void aSpeakerThatDoesNotFitIsToldAboutAfterFiveSeconds() {
    becomeMaster();
    assertEquals("10.0.0.11", instance.status().address());
    hear(80, "wrong", InetAddress.ofLiteral("203.0.113.10"));
    assertNull(instance.status().speakers());
    now += 5 * SECOND;
    hear(80, "s3cret", InetAddress.ofLiteral("203.0.113.99"));
    assertEquals(List.of(new Speaker("10.0.0.12", "OtherAddresses")), instance.status().speakers());
    long heard = now;
    while (instance.status().speakers() != null) {
      expire();
    }
    assertEquals(60 * SECOND, now - heard);
  }

  @Test
  void aSpeakerThatFitsAgainIsForgotten() {
    becomeMaster();
    hear(80, "wrong", InetAddress.ofLiteral("203.0.113.10"));
    now += 5 * SECOND;
    hear(80, "wrong", InetAddress.ofLiteral("203.0.113.10"));
    assertEquals(List.of(new Speaker("10.0.0.12", "AuthFailure")), instance.status().speakers());
    hear(80, "s3cret", InetAddress.ofLiteral("203.0.113.10"));
    assertNull(instance.status().speakers());
  }

  @Test
  void case50_aMemberAtFaultTakesTheOthersAlong() {
    start(SEED.replace("vrid: 77", "vrid: 77\n  syncGroup: edge"));
    var other =
        new VrrpInstance(
            config(
                SEED.replace("name: web,", "name: inside,")
                    .replace("vrid: 77", "vrid: 78\n  syncGroup: edge")
                    .replace("113.10/24", "113.20/24")),
            false,
            fake.node,
            _ -> {});
    other.start(now);
    var group = new SyncGroupMembers(List.of(instance, other));
    instance.join(group);
    other.join(group);
    instance.evaluate(now);
    other.evaluate(now);
    instance.onCheck(FakeNode.good("nginx"), now);
    assertEquals("SyncGroupPending(inside)", instance.status().reason());
    assertEquals(State.Init, instance.status().state(), "waiting for a check is no fault");
    other.onCheck(FakeNode.good("nginx"), now);
    assertEquals(State.Backup, instance.status().state());
    assertEquals(State.Backup, other.status().state());
    now = instance.deadline();
    instance.onDeadline(now);
    assertEquals(State.Backup, instance.status().state(), "it waits for the other");
    other.onDeadline(now);
    assertEquals(State.Master, instance.status().state());
    assertEquals(State.Master, other.status().state());

    fake.log.clear();
    other.onCheck(FakeNode.failed("nginx", "refused"), now);
    assertEquals("CheckFailed(nginx)", other.status().reason());
    assertEquals("SyncGroup(inside)", instance.status().reason());
    assertEquals(2, fake.log.stream().filter("advert 0 eth0"::equals).count());
    other.onCheck(FakeNode.good("nginx"), now);
    assertEquals(State.Backup, instance.status().state());
    assertEquals(State.Backup, other.status().state());
  }

  private static final String KEEP =
      SEED.replace("vrid: 77", "vrid: 77\n  whenAllFail: KeepMaster");

  @Test
  void whereTheMasterIsKeptAFailedCheckIsSaidAtOnceAndNothingIsGivenUp() {
    start(KEEP);
    instance.onCheck(FakeNode.good("nginx"), now);
    expire();
    fake.log.clear();
    instance.onCheck(FakeNode.failed("nginx", "connect refused 127.0.0.1:80"), now);
    assertEquals(List.of("advert 1 eth0"), fake.log);
    assertEquals(State.Master, instance.status().state());
    assertEquals(1, instance.status().priority());
    assertEquals(
        "check nginx: connect refused 127.0.0.1:80; priority 1 until checks are good"
            + " (whenAllFail: KeepMaster)",
        instance.status().message());
    hear(80, "s3cret", InetAddress.ofLiteral("203.0.113.10"));
    assertEquals("HigherPriority(10.0.0.12)", instance.status().reason());
    instance.onCheck(FakeNode.good("nginx"), now);
    assertEquals(100, instance.status().priority());
    assertNull(instance.status().message());
  }

  @Test
  void aBackupWithGoodChecksTakesOverFromTheLastResortAtOnce() {
    var virtual = InetAddress.ofLiteral("203.0.113.10");
    for (var preempt : List.of("{}", "{enabled: false}", "{delay: 300s}")) {
      start(KEEP.replace("vrid: 77", "vrid: 77\n  preempt: " + preempt));
      instance.onCheck(FakeNode.good("nginx"), now);
      hear(1, "s3cret", virtual);
      long wait = 2 * SECOND / 1_000 + (256 - 100) * SECOND / 10_000;
      assertEquals(now + wait, instance.deadline(), preempt);
      now += wait / 2;
      hear(1, "s3cret", virtual);
      assertEquals(now - wait / 2 + wait, instance.deadline(), "not put off by further adverts");
      expire();
      assertEquals(State.Master, instance.status().state());
      instance.stop(Reasons.reason("Deleted"), now);
    }
  }

  @Test
  void aBackupWithFailedChecksLetsTheLastResortBe() {
    start(KEEP);
    instance.onCheck(FakeNode.failed("nginx", "refused"), now);
    assertEquals(State.Backup, instance.status().state());
    hear(1, "s3cret", InetAddress.ofLiteral("203.0.113.10"));
    assertTrue(instance.deadline() - now > 3 * SECOND);
    expire();
    assertEquals(State.Master, instance.status().state(), "if it falls silent, one has to");
  }

  @Test
  void whereTheMasterIsKeptAllMembersOfASyncGroupFollowTheFailedCheck() {
    start(KEEP.replace("vrid: 77", "vrid: 77\n  syncGroup: edge"));
    var inside =
        KEEP.replace("name: web,", "name: inside,")
            .replace("vrid: 77", "vrid: 78\n  syncGroup: edge")
            .replace("113.10/24", "113.20/24");
    var other = new VrrpInstance(config(inside), false, fake.node, _ -> {});
    other.start(now);
    var group = new SyncGroupMembers(List.of(instance, other));
    instance.join(group);
    other.join(group);
    instance.onCheck(FakeNode.good("nginx"), now);
    other.onCheck(FakeNode.good("nginx"), now);
    assertEquals(100, instance.status().priority());
    other.onCheck(FakeNode.failed("nginx", "refused"), now);
    assertEquals(1, other.status().priority());
    assertEquals(1, instance.status().priority());
    other.update(config(inside.replace("KeepMaster", "Release").replace("n: 1", "n: 2")), now);
    assertEquals("CheckFailed(nginx)", other.status().reason());
    assertEquals("SyncGroup(inside)", instance.status().reason(), "all have to agree");
  }

  @Test
  void aFailedCheckShowsInTheMetricsWithWhatFails() {
    becomeMaster();
    instance.onCheck(FakeNode.failed("nginx", "503 expected 200-399"), now);
    assertEquals(
        0, fake.registry.get("virtualip.check.good").tag("check", "nginx").gauge().value());
    var failing = fake.registry.get("virtualip.check.failing").gauge();
    assertEquals("503 expected 200-399", failing.getId().getTag("detail"));
    instance.onCheck(FakeNode.good("nginx"), now);
    assertEquals(1, fake.registry.get("virtualip.check.good").gauge().value());
    assertNull(fake.registry.find("virtualip.check.failing").gauge());
    instance.stop(Reasons.reason("Deleted"), now);
    assertNull(fake.registry.find("virtualip.check.good").gauge());
  }

  @Test
  void aFailedCheckWithAWeightShowsInTheMessage() {
    start(SEED.replace("http: {}}", "http: {}, weight: -30}"));
    instance.onCheck(new CheckState("nginx", -30, false, Verdict.Failed, "timeout after 1s"), now);
    assertEquals("check nginx: timeout after 1s", instance.status().message());
  }

  /** D1 of the review of 90051ff; field case: {@code ip route replace} by a DHCP client. */
  @Test
  void aMasterWhoseRouteCannotBePutBackAnnouncesNothing() {
    becomeMaster();
    fake.refusal = "EEXIST: somebody else has a route to 0.0.0.0/0";
    fake.installed.clear();
    networkRead(now);
    assertEquals(State.Fault, instance.status().state());
    assertEquals("BindFailed", instance.status().reason());
    assertEquals(List.of(), fake.log.stream().filter("arp eth1"::equals).toList());
    fake.refusal = null;
    expire();
    assertEquals(List.of(), fake.log.stream().filter("arp eth1"::equals).toList());
  }

  /** D2: the timer of a debounced NIC must not outlive the field that named the NIC. */
  @Test
  void anEditThatDropsADebouncedNicForgetsWhatItWaitedFor() {
    fake.link("eth2", 4, true);
    fake.report();
    var tracked = SEED + "  linkDebounce: 1500ms\n  trackInterfaces: [{name: eth2, weight: 0}]\n";
    becomeMaster(tracked);
    fake.link("eth2", 4, false);
    fake.report();
    networkRead(now);
    instance.update(config(SEED + "  linkDebounce: 1500ms\n"), now);
    long end = now + 10 * SECOND;
    for (int met = 0; now < end; met++) {
      assertTrue(met < 20, "an advert each second, and announcements: no deadline is met for ever");
      expire();
    }
    assertEquals(State.Master, instance.status().state());
  }

  /** D2's sibling, found by the simulation (seed 859): the NIC goes while its debounce runs. */
  @Test
  void aDebouncedNicThatIsPulledOutIsNotWaitedFor() {
    becomeMaster(SEED + "  linkDebounce: 1500ms\n");
    fake.link("eth1", 3, false);
    fake.report();
    networkRead(now);
    fake.links.remove("eth1");
    fake.report();
    networkRead(now);
    assertEquals("InterfaceNotFound(eth1)", instance.status().reason());
    assertEquals(Long.MAX_VALUE, instance.deadline());
  }

  /** Its checks would not run yet, and it would have no real server. */
  @Test
  void aNodeThatChangesWhileAnInstanceOpensDoesNotStartIt() {
    instance = new VrrpInstance(config(SEED), true, fake.node, _ -> told++);
    instance.open(now);
    instance.networkChanged(now);
    assertEquals(State.Init, instance.status().state());
    instance.start(now);
    assertEquals(State.Master, instance.status().state());
  }
}
