package dev.virtualip.agent.vrrp;

import static dev.virtualip.agent.vrrp.State.NEVER;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.vrrp.Effect.AnnounceAddresses;
import dev.virtualip.agent.vrrp.Effect.BindAddresses;
import dev.virtualip.agent.vrrp.Effect.RenewLeases;
import dev.virtualip.agent.vrrp.Effect.SendAdvertisement;
import dev.virtualip.agent.vrrp.Effect.StateChanged;
import dev.virtualip.agent.vrrp.Effect.UnbindAddresses;
import dev.virtualip.agent.vrrp.Event.AdvertisementReceived;
import dev.virtualip.agent.vrrp.Event.ConfigChanged;
import dev.virtualip.agent.vrrp.Event.FaultsChanged;
import dev.virtualip.agent.vrrp.Event.FurtherPath;
import dev.virtualip.agent.vrrp.Event.MasterSilent;
import dev.virtualip.agent.vrrp.Event.NeighbourDown;
import dev.virtualip.agent.vrrp.Event.PriorityChanged;
import dev.virtualip.agent.vrrp.Event.Quit;
import dev.virtualip.agent.vrrp.Event.Resign;
import dev.virtualip.agent.vrrp.Event.Shutdown;
import dev.virtualip.agent.vrrp.Event.SourceChanged;
import dev.virtualip.agent.vrrp.Event.TimerExpired;
import dev.virtualip.agent.vrrp.State.Active;
import dev.virtualip.agent.vrrp.State.Backup;
import dev.virtualip.agent.vrrp.State.Initialize;
import dev.virtualip.agent.vrrp.State.Takeover;
import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * RFC 9568 6.4 clause by clause, and what keepalived does where the RFC leaves it open. Case
 * numbers are those of docs/protocol-cases.md.
 */
class VirtualRouterTest {
  private static final long MS = 1_000_000L;
  private static final long SECOND = 1_000 * MS;
  private static final InetAddress US = InetAddress.ofLiteral("10.9.0.100");
  private static final InetAddress BELOW = InetAddress.ofLiteral("10.9.0.99");
  private static final InetAddress ABOVE = InetAddress.ofLiteral("10.9.0.200");

  private static final VirtualRouterConfig PREEMPTING =
      new VirtualRouterConfig(Version.V3, 51, SECOND, true, 0, false, LeasePolicy.Overlap, 1);
  private static final VirtualRouterConfig EXCLUSIVE =
      new VirtualRouterConfig(Version.V3, 51, SECOND, true, 0, false, LeasePolicy.Exclusive, 1);
  private static final VirtualRouterConfig NOT_PREEMPTING =
      new VirtualRouterConfig(Version.V3, 51, SECOND, false, 0, false, LeasePolicy.Overlap, 1);

  /** A router under test, the time, and the effects of the last event. */
  private static final class Scenario {
    private VirtualRouter router;
    private long now;
    private List<Effect> effects = List.of();

    Scenario(VirtualRouterConfig config, int priority) {
      router = VirtualRouter.create(config, priority);
      on(new SourceChanged(US));
    }

    static Scenario backup(VirtualRouterConfig config, int priority) {
      return new Scenario(config, priority).on(new FaultsChanged(List.of()));
    }

    static Scenario active(VirtualRouterConfig config, int priority) {
      return backup(config, priority).expire();
    }

    Scenario on(Event event) {
      var step = router.step(event, now);
      router = step.router();
      effects = step.effects();
      return this;
    }

    Scenario after(long nanos) {
      now += nanos;
      return this;
    }

    Scenario expire() {
      now = router.deadline();
      return on(new TimerExpired());
    }

    Scenario hear(int priority, InetAddress source) {
      return on(new AdvertisementReceived(priority, SECOND, source));
    }

    long untilDeadline() {
      return router.deadline() - now;
    }

    boolean isActive() {
      return router.state() instanceof Active;
    }

    boolean isBackup() {
      return router.state() instanceof Backup;
    }

    String cause() {
      return assertInstanceOf(StateChanged.class, effects.getLast()).causes().getFirst().toString();
    }

    List<Class<?>> kinds() {
      return effects.stream().<Class<?>>map(Object::getClass).toList();
    }

    void becameActive() {
      assertEquals(
          List.of(
              SendAdvertisement.class,
              BindAddresses.class,
              AnnounceAddresses.class,
              StateChanged.class),
          kinds());
      assertTrue(isActive());
    }
  }

  @Test
  void anythingInTheWayAtStartIsAFault() {
    var s = new Scenario(PREEMPTING, 100).on(new FaultsChanged(Reasons.of("LinkDown(eth0)")));
    assertEquals(new Initialize(Reasons.of("LinkDown(eth0)")), s.router.state());
    assertEquals("LinkDown(eth0)", s.cause());
    assertEquals(NEVER, s.router.deadline());
  }

  @Test
  void startListensForOneDownIntervalAndClearsLeftOvers() {
    var s = Scenario.backup(PREEMPTING, 100);
    assertEquals(List.of(UnbindAddresses.class, StateChanged.class), s.kinds());
    assertEquals(3_609_375_000L, s.untilDeadline());
  }

  @Test
  void initialStateMasterBelow255StartsAsBackup() {
    var config =
        new VirtualRouterConfig(Version.V3, 51, SECOND, true, 0, true, LeasePolicy.Overlap, 1);
    assertTrue(Scenario.backup(config, 254).isBackup());
  }

  @Test
  void theOwnerWithInitialStateMasterIsMasterAtOnce() {
    var config =
        new VirtualRouterConfig(Version.V3, 51, SECOND, true, 0, true, LeasePolicy.Overlap, 1);
    Scenario.backup(config, 255).becameActive();
  }

  @Test
  void silenceMakesABackupMaster_advertThenBindThenAnnounce() {
    var s = Scenario.backup(PREEMPTING, 100).expire();
    s.becameActive();
    assertEquals(new SendAdvertisement(100), s.effects.getFirst());
    assertEquals("MasterDown", s.cause());
    assertEquals(SECOND, s.untilDeadline());
  }

  @Test
  void theMasterAdvertisesEveryIntervalAndRenewsLeases() {
    var s = Scenario.active(PREEMPTING, 100).expire();
    assertEquals(List.of(new SendAdvertisement(100), new RenewLeases()), s.effects);
  }

  @Test
  void case22_equalPriorityFromAHigherAddressWins() {
    var s = Scenario.active(PREEMPTING, 100).hear(100, ABOVE);
    assertEquals(
        List.of(UnbindAddresses.class, SendAdvertisement.class, StateChanged.class), s.kinds());
    assertEquals(new SendAdvertisement(100), s.effects.get(1), "no resignation");
    assertEquals("HigherPriority(10.9.0.200)", s.cause());
    assertEquals(3_609_375_000L, s.untilDeadline());
  }

  @Test
  void case23_equalPriorityFromALowerAddressIsAnswered() {
    var s = Scenario.active(PREEMPTING, 100).hear(100, BELOW);
    assertEquals(
        List.of(new SendAdvertisement(100), new RenewLeases(), new AnnounceAddresses()), s.effects);
  }

  @Test
  void case24_addressesCompareAsUnsignedBytes() {
    var s = Scenario.active(PREEMPTING, 100);
    s.on(new SourceChanged(InetAddress.ofLiteral("10.9.0.200")));
    assertTrue(s.hear(100, InetAddress.ofLiteral("10.9.0.100")).isActive());
    var v6 = Scenario.active(PREEMPTING, 100);
    v6.on(new SourceChanged(InetAddress.ofLiteral("fe80::8000:0:0:1")));
    assertTrue(v6.hear(100, InetAddress.ofLiteral("fe80::7fff:0:0:1")).isActive());
  }

  @Test
  void case25_aLowerMasterIsAnsweredAtOnceAndTheNextAdvertIsAnIntervalLater() {
    var s = Scenario.active(PREEMPTING, 100).after(400 * MS).hear(50, ABOVE);
    assertEquals(
        List.of(new SendAdvertisement(100), new RenewLeases(), new AnnounceAddresses()), s.effects);
    assertEquals(SECOND, s.untilDeadline());
  }

  @Test
  void case26_aSingleHigherAdvertIsObeyedForADownInterval() {
    var s = Scenario.active(PREEMPTING, 100).hear(200, BELOW);
    assertTrue(s.isBackup());
    assertEquals(3_609_375_000L, s.untilDeadline());
    s.expire().becameActive();
  }

  @Test
  void case27_ourOwnAddressAtOurPriorityChangesNothing() {
    var s = Scenario.active(PREEMPTING, 100);
    var before = s.router;
    s.hear(100, US);
    assertEquals(before, s.router);
    assertEquals(List.of(), s.effects);
  }

  private static AdvertisementReceived byFurtherPath(int priority, InetAddress sender) {
    return byFurtherPath(1, priority, sender);
  }

  private static AdvertisementReceived byFurtherPath(int number, int priority, InetAddress sender) {
    var path = new FurtherPath(number, sender, US);
    return new AdvertisementReceived(priority, SECOND, ABOVE, path);
  }

  @Test
  void aTieOnAFurtherPathIsDecidedByItsAddressesOnceItHasLasted() {
    var s = Scenario.active(PREEMPTING, 100);
    s.on(byFurtherPath(100, ABOVE));
    assertEquals(List.of(), s.effects, "the first path may say otherwise");
    s.after(1_900 * MS).on(byFurtherPath(100, ABOVE));
    assertTrue(s.isActive());
    s.after(200 * MS).on(byFurtherPath(100, ABOVE));
    assertTrue(s.isBackup());
    var other = Scenario.active(PREEMPTING, 100);
    other.after(500 * MS).on(byFurtherPath(100, BELOW));
    assertTrue(other.isActive(), "known by its first address, it would be above");
    assertEquals(new SendAdvertisement(100), other.effects.getFirst());
  }

  /** Their addresses say otherwise on each of the two networks, and the first path is cut. */
  @Test
  void aTieOnTwoFurtherPathsMakesOneYieldAndNotBoth() {
    var one = Scenario.active(PREEMPTING, 100);
    var other = Scenario.active(PREEMPTING, 100);
    for (int i = 0; i < 12 && one.isActive(); i++) {
      other.on(byFurtherPath(1, 100, BELOW));
      other.on(byFurtherPath(2, 100, ABOVE));
      one.on(byFurtherPath(1, 100, ABOVE));
      one.on(byFurtherPath(2, 100, BELOW));
      one.after(SECOND);
      other.after(SECOND);
    }
    // Its last advert.
    other.on(byFurtherPath(1, 100, BELOW));
    other.on(byFurtherPath(2, 100, ABOVE));
    assertTrue(one.isBackup());
    assertTrue(other.isActive());
  }

  /** With the claims of two equals on two networks, whose addresses say otherwise on each. */
  @Test
  void aClaimIsNotGivenUpForATieOnAFurtherPath() {
    var s = Scenario.backup(EXCLUSIVE, 100);
    s.hear(50, BELOW);
    s.expire();
    assertEquals(Takeover.Claimed, ((Backup) s.router.state()).takeover());
    s.after(MS).on(byFurtherPath(100, ABOVE));
    assertEquals(Takeover.Claimed, ((Backup) s.router.state()).takeover());
    s.expire();
    assertTrue(s.isActive());
  }

  @Test
  void aTieOfLongAgoDoesNotCount() {
    var s = Scenario.active(PREEMPTING, 100);
    s.on(byFurtherPath(100, ABOVE));
    s.after(8 * SECOND).on(byFurtherPath(100, ABOVE));
    assertTrue(s.isActive());
  }

  @Test
  void aHigherPriorityOnAFurtherPathIsYieldedToAtOnce() {
    var s = Scenario.active(PREEMPTING, 100);
    s.on(byFurtherPath(101, BELOW));
    assertTrue(s.isBackup());
  }

  @Test
  void aCopyOfWhatHasItsAnswerGetsNoOther() {
    var s = Scenario.active(PREEMPTING, 100);
    s.after(500 * MS).hear(50, BELOW);
    assertEquals(new SendAdvertisement(100), s.effects.getFirst());
    s.after(2 * MS).on(byFurtherPath(50, BELOW));
    assertEquals(List.of(), s.effects);
    s.after(500 * MS).on(byFurtherPath(50, BELOW));
    assertEquals(new SendAdvertisement(100), s.effects.getFirst(), "the first path may be cut");
  }

  @Test
  void case28_twoMastersAfterAHealedPartition_theLowerYieldsWithinAnInterval() {
    for (long apart = 50 * MS; apart < SECOND; apart += 50 * MS) {
      var better = Scenario.active(PREEMPTING, 150);
      var lower = Scenario.active(PREEMPTING, 100);
      better.on(new SourceChanged(ABOVE));
      lower.on(new SourceChanged(BELOW));
      lower.now = better.now;
      lower.router = new VirtualRouter(PREEMPTING, 100, BELOW, new Active(better.now + apart));
      long healed = better.now;
      while (lower.isActive()) {
        boolean lowerFirst = lower.router.deadline() < better.router.deadline();
        (lowerFirst ? lower : better).expire();
        if (lowerFirst) {
          better.now = lower.now;
          better.hear(100, BELOW);
          assertEquals(new SendAdvertisement(150), better.effects.getFirst());
        }
        lower.now = better.now;
        lower.hear(150, ABOVE);
      }
      assertTrue(better.isActive() && lower.now - healed <= SECOND, "apart " + apart);
      assertTrue(lower.effects.contains(new SendAdvertisement(100)), "so that it announces again");
      boolean atOnce = better.hear(100, BELOW).effects.contains(new AnnounceAddresses());
      var active = assertInstanceOf(Active.class, better.router.state());
      assertTrue(atOnce || active.announceAt() <= better.now + VirtualRouter.ANSWER_GAP);
    }
  }

  @Test
  void case29_alonePriority80TheFirstAdvertComesAfter3_6875s() {
    var version2 = new VirtualRouterConfig(Version.V2, 51, SECOND, true, 0, false, null, 1);
    var s = Scenario.backup(version2, 80).expire();
    assertEquals(3_687_500_000L, s.now);
    assertEquals(new SendAdvertisement(80), s.effects.getFirst());
  }

  @Test
  void case30_version2sSkewDoesNotGrowWithTheInterval() {
    var version2 = new VirtualRouterConfig(Version.V2, 51, 3 * SECOND, true, 0, false, null, 1);
    assertEquals(9_609_375_000L, Scenario.backup(version2, 100).untilDeadline());
    var version3 = new VirtualRouterConfig(Version.V3, 51, 3 * SECOND, true, 0, false, null, 1);
    assertEquals(10_828_125_000L, Scenario.backup(version3, 100).untilDeadline());
  }

  @Test
  void aMasterAnswersAResignationAtOnce() {
    var s = Scenario.active(PREEMPTING, 100).hear(0, ABOVE);
    assertEquals(List.of(new SendAdvertisement(100), new RenewLeases()), s.effects);
  }

  @Test
  void case31_priorityZeroShortensTheWaitToTheCompressedSkew() {
    var s = Scenario.backup(PREEMPTING, 100).hear(0, ABOVE);
    assertEquals(17_600_000L, s.untilDeadline());
    assertEquals("MasterResigned", s.expire().cause());
    var fast =
        new VirtualRouterConfig(Version.V3, 51, 10 * MS, true, 0, false, LeasePolicy.Overlap, 1);
    assertEquals(
        6_093_750L,
        Scenario.backup(fast, 100).hear(0, ABOVE).untilDeadline(),
        "never longer than the skew itself");
  }

  @Test
  void aBackupThatHasJustYieldedWaitsForTheWholeSkewAfterPriorityZero() {
    var s = Scenario.active(PREEMPTING, 100).hear(200, ABOVE).after(SECOND - 1).hear(0, ABOVE);
    assertEquals(609_375_000L, s.untilDeadline());
    s.hear(200, ABOVE).after(1).hear(0, ABOVE);
    assertEquals(12 * MS, s.untilDeadline());
  }

  /** Where all preempt no backup is above the master, so only those between have to go first. */
  @Test
  void theCompressedSkewCountsFromTheMastersPriority() {
    assertEquals(
        4 * MS, Scenario.backup(PREEMPTING, 80).hear(100, ABOVE).hear(0, ABOVE).untilDeadline());
    assertEquals(
        2 * MS, Scenario.backup(PREEMPTING, 80).hear(80, ABOVE).hear(0, ABOVE).untilDeadline());
    assertEquals(
        17_600_000L,
        Scenario.backup(PREEMPTING, 100).hear(90, ABOVE).hear(0, ABOVE).untilDeadline(),
        "it was about to preempt, as others may be");
    var keeps = Routers.withPreempt(PREEMPTING, false, 0);
    assertEquals(
        19_600_000L, Scenario.backup(keeps, 80).hear(100, ABOVE).hear(0, ABOVE).untilDeadline());
  }

  /** keepalived says so twice in the same microseconds when it enters FAULT. */
  @Test
  void aResignationThatIsSaidTwiceIsFollowedAtOnce() {
    var b = Scenario.backup(PREEMPTING, 100).hear(0, ABOVE).after(MS).hear(0, ABOVE);
    assertEquals(16_600_000L, b.untilDeadline());
    assertEquals("MasterResigned", b.expire().cause());
  }

  /** Its master serves on, and everybody has the time to learn who is to follow. */
  @Test
  void aResignationThatIsSaidThreeTimesIsFollowedAfterTheWholeSkew() {
    var s = Scenario.active(PREEMPTING, 100).on(new Resign(Reasons.reason("HandedOver(Drain)")));
    assertEquals(
        List.of(
            SendAdvertisement.class,
            SendAdvertisement.class,
            SendAdvertisement.class,
            StateChanged.class),
        s.kinds());
    var b = Scenario.backup(PREEMPTING, 100).hear(0, ABOVE).hear(0, ABOVE).hear(0, ABOVE);
    assertEquals(609_375_000L, b.untilDeadline());
  }

  /** Else it would overtake the node that its master hands over to. */
  @Test
  void aBackupThatIsAskedToStandBackWhileItsMasterHandsOverDoes() {
    var b = Scenario.backup(PREEMPTING, 100).hear(0, ABOVE).hear(0, ABOVE).hear(0, ABOVE);
    b.after(100 * MS).on(new PriorityChanged(2));
    assertEquals(892_187_500L, b.untilDeadline());
    var yielded = Scenario.active(PREEMPTING, 100).hear(200, ABOVE).after(MS).hear(0, ABOVE);
    yielded.on(new PriorityChanged(2));
    assertEquals(992_187_500L, yielded.untilDeadline());
  }

  /** Make before break: clients are served until the successor serves them. */
  @Test
  void aMasterThatQuitsServesOnUntilItHearsItsSuccessor() {
    var quit = new Quit(Reasons.reason("AgentStopped"));
    var s = Scenario.active(PREEMPTING, 100).on(quit);
    assertEquals(List.of(SendAdvertisement.class, StateChanged.class), s.kinds());
    assertEquals(400 * MS, s.untilDeadline());
    assertEquals(List.of(), s.hear(0, ABOVE).effects);
    assertEquals(List.of(new UnbindAddresses()), s.hear(50, ABOVE).effects);
    assertEquals(List.of(), s.on(new Shutdown(Reasons.reason("AgentStopped"))).effects);
    var alone = Scenario.active(PREEMPTING, 100).on(quit).after(400 * MS).on(new TimerExpired());
    assertEquals(List.of(new UnbindAddresses()), alone.effects);
  }

  @Test
  void case32_version3LearnsTheMastersIntervalButAdvertisesItsOwn() {
    var s = Scenario.backup(PREEMPTING, 100);
    s.on(new AdvertisementReceived(200, 200 * MS, ABOVE));
    assertEquals(721_875_000L, s.untilDeadline());
    s.expire().becameActive();
    assertEquals(SECOND, s.untilDeadline());
  }

  /** Wire-compatible: whoever counts by the interval just loses fewer of them. */
  @Test
  void advertsThatAreRepeatedComeEvenlyWithinTheInterval() {
    var config =
        new VirtualRouterConfig(Version.V3, 51, 3 * SECOND, true, 0, false, LeasePolicy.Overlap, 3);
    var s = Scenario.active(config, 100);
    assertEquals(SECOND, s.untilDeadline());
    assertEquals(SECOND, s.expire().untilDeadline());
  }

  @Test
  void case33_aPriorityChangeMovesTheRunningTimer() {
    var s = Scenario.backup(PREEMPTING, 100).after(SECOND);
    long before = s.router.deadline();
    s.on(new PriorityChanged(80));
    assertEquals(78_125_000L, s.router.deadline() - before);
    assertEquals(List.of(), s.effects);
  }

  /** Together with another's: one wake of the node for both. */
  @Test
  void anAdvertMayGoAFiftiethOfItsPeriodEarlyAndTheNextOneKeepsItsTime() {
    var master = Scenario.active(PREEMPTING, 100);
    long due = master.router.deadline();
    assertEquals(due - 20 * MS, master.router.mayAdvertiseAt());
    master.now = due - 20 * MS;
    master.on(new TimerExpired());
    assertEquals(new SendAdvertisement(100), master.effects.getFirst());
    assertEquals(due + SECOND, master.router.deadline());
    assertEquals(due + SECOND - 20 * MS, master.router.mayAdvertiseAt());
  }

  @Test
  void case34_advertsDoNotDrift() {
    var s = Scenario.active(PREEMPTING, 100);
    long first = s.router.deadline();
    for (int i = 0; i < 60; i++) {
      s.now = s.router.deadline() + (i % 7) * MS;
      s.on(new TimerExpired());
    }
    assertEquals(first + 60 * SECOND, s.router.deadline());
  }

  @Test
  void case34_aMasterThatSleptThroughItsDownIntervalLetsGo() {
    var s = Scenario.active(PREEMPTING, 100);
    s.now = s.router.deadline() + 5 * SECOND;
    s.on(new TimerExpired());
    assertEquals(List.of(UnbindAddresses.class, StateChanged.class), s.kinds());
    assertEquals("LateWakeUp", s.cause());
    assertEquals(3_609_375_000L, s.untilDeadline());
  }

  @Test
  void aBackupThatSleptHearsOneMoreIntervalBeforeItTakesOver() {
    var s = Scenario.backup(PREEMPTING, 100);
    s.now = s.router.deadline() + 2 * SECOND;
    s.on(new TimerExpired());
    assertTrue(s.isBackup());
    assertEquals(SECOND, s.untilDeadline());
    s.expire().becameActive();
  }

  @Test
  void case35_aLowerMasterIsPreemptedWhenTheTimerExpires() {
    var s = Scenario.backup(PREEMPTING, 100);
    long deadline = s.router.deadline();
    for (int i = 0; i < 4; i++) {
      s.after(900 * MS).hear(50, ABOVE);
    }
    assertEquals(deadline, s.router.deadline());
    assertEquals("Preempted", s.expire().cause());
  }

  @Test
  void anIntervalOfSomebodyElseIsLearnedUpToTenOwnOnes() {
    var s = Scenario.backup(NOT_PREEMPTING, 100);
    s.on(new AdvertisementReceived(200, 40_950 * MS, ABOVE));
    assertEquals(36_093_750_000L, s.untilDeadline(), "as if it had been 10 s");
    s.on(new AdvertisementReceived(200, 9 * SECOND, ABOVE));
    assertEquals(32_484_375_000L, s.untilDeadline());
    var bounded =
        new VirtualRouterConfig(
            Version.V3, 51, SECOND, true, 0, false, LeasePolicy.Overlap, 1, false, 0, 0, SECOND);
    var strict = Scenario.backup(bounded, 100);
    strict.on(new AdvertisementReceived(200, 9 * SECOND, ABOVE));
    assertEquals(3_609_375_000L, strict.untilDeadline());
  }

  /** Each announcement costs frames for every address, and a forged advert only one. */
  @Test
  void aFloodOfLowerAdvertsIsAnsweredByAdvertsAndByAnAnnouncementInFiveSeconds() {
    var s = Scenario.active(PREEMPTING, 100);
    long begin = s.now;
    int announcements = 0;
    while (s.now - begin < 60 * SECOND) {
      s.after(MS);
      if (s.router.deadline() <= s.now) {
        s.on(new TimerExpired());
        announcements += s.kinds().contains(AnnounceAddresses.class) ? 1 : 0;
      }
      s.hear(50, ABOVE);
      assertEquals(new SendAdvertisement(100), s.effects.getFirst(), "answered at once");
      announcements += s.kinds().contains(AnnounceAddresses.class) ? 1 : 0;
    }
    assertTrue(announcements >= 11 && announcements <= 13, announcements + " announcements");
  }

  @Test
  void aSplitThatHealsIsAnnouncedAtOnceAndWhatFollowsOnceMore() {
    var s = Scenario.active(PREEMPTING, 100).hear(50, ABOVE);
    assertTrue(s.kinds().contains(AnnounceAddresses.class), "at once");
    assertFalse(s.after(MS).hear(50, ABOVE).kinds().contains(AnnounceAddresses.class), "put off");
    int announcements = 0;
    for (int i = 0; i < 20; i++) {
      announcements += s.expire().kinds().contains(AnnounceAddresses.class) ? 1 : 0;
    }
    assertEquals(1, announcements, "not forgotten");
    assertTrue(s.hear(50, ABOVE).kinds().contains(AnnounceAddresses.class), "a later split");
  }

  @Test
  void case36_withoutPreemptionALowerMasterIsObeyedUntilItFallsSilent() {
    var s = Scenario.backup(NOT_PREEMPTING, 100);
    for (int i = 0; i < 33; i++) {
      s.after(900 * MS).hear(50, ABOVE);
      assertEquals(3_609_375_000L, s.untilDeadline());
    }
    assertEquals("MasterDown", s.expire().cause());
  }

  @Test
  void withoutPreemptionAMasterStillYieldsToAHigherOne() {
    assertTrue(Scenario.active(NOT_PREEMPTING, 100).hear(101, BELOW).isBackup());
  }

  @Test
  void case37_preemptDelayLetsALowerMasterBeForAWhile() {
    var delayed =
        new VirtualRouterConfig(
            Version.V3, 51, SECOND, true, 5 * SECOND, false, LeasePolicy.Overlap, 1);
    var s = Scenario.backup(delayed, 100);
    long first = -1;
    while (s.isBackup()) {
      if (s.router.deadline() < s.now + 900 * MS) {
        s.expire();
      } else {
        s.after(900 * MS).hear(50, ABOVE);
        first = first < 0 ? s.now : first;
      }
    }
    // 4.5 s after the first advert the timer is set for the last time: 4.5 + 3.609 = 8.109.
    assertEquals(8_109_375_000L, s.now - first);
  }

  @Test
  void case38_preemptDelayNeverDelaysTakingOverFromASilentMaster() {
    var delayed =
        new VirtualRouterConfig(
            Version.V3, 51, SECOND, true, 5 * SECOND, false, LeasePolicy.Overlap, 1);
    var s = Scenario.backup(delayed, 100).after(SECOND).hear(50, ABOVE);
    assertEquals(3_609_375_000L, s.untilDeadline());
    s.hear(200, ABOVE);
    var backup = assertInstanceOf(Backup.class, s.router.state());
    assertEquals(NEVER, backup.preemptAt(), "a higher advert cancels the delay");
    assertEquals(Takeover.MasterDown, backup.takeover());
  }

  @Test
  void case40_aMastersPriorityChangeWaitsForTheNextAdvert() {
    var s = Scenario.active(PREEMPTING, 100).on(new PriorityChanged(80));
    assertEquals(List.of(), s.effects);
    assertEquals(new SendAdvertisement(80), s.expire().effects.getFirst());
  }

  @Test
  void case43_aMasterAtFaultResignsBeforeItLetsGo() {
    var s = Scenario.active(PREEMPTING, 100).on(new FaultsChanged(Reasons.of("CheckFailed(web)")));
    assertEquals(
        List.of(SendAdvertisement.class, UnbindAddresses.class, StateChanged.class), s.kinds());
    assertEquals(new SendAdvertisement(0), s.effects.getFirst());
    assertEquals("CheckFailed(web)", s.cause());
    s.on(new FaultsChanged(List.of()));
    assertTrue(s.isBackup());
    assertEquals("Recovered", s.cause());
    assertEquals(3_609_375_000L, s.untilDeadline());
  }

  @Test
  void aRouterAtFaultIgnoresAdvertsAndTimers() {
    var s = Scenario.active(PREEMPTING, 100).on(new FaultsChanged(Reasons.of("LinkDown(eth0)")));
    var fault = s.router;
    s.hear(0, ABOVE).hear(255, ABOVE).on(new TimerExpired());
    assertEquals(fault, s.router);
  }

  @Test
  void theSameFaultsAgainAreNoNews() {
    var s =
        Scenario.backup(PREEMPTING, 100)
            .on(new FaultsChanged(Reasons.of("LinkDown(a)", "LinkDown(b)")));
    assertEquals(
        List.of(), s.on(new FaultsChanged(Reasons.of("LinkDown(a)", "LinkDown(b)"))).effects);
    assertEquals("LinkDown(b)", s.on(new FaultsChanged(Reasons.of("LinkDown(b)"))).cause());
  }

  @Test
  void case51_onlyAMasterSaysGoodbye() {
    var s = Scenario.active(PREEMPTING, 100).on(new Shutdown(Reasons.reason("AgentStopped")));
    assertEquals(
        List.of(SendAdvertisement.class, UnbindAddresses.class, StateChanged.class), s.kinds());
    var b = Scenario.backup(PREEMPTING, 100).on(new Shutdown(Reasons.reason("AgentStopped")));
    assertEquals(List.of(StateChanged.class), b.kinds());
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 300, 600, 700, 1_300})
  void case60_aFloodOfForgedResignationsCausesOneTransitionPerIntervalAtMost(long everyMillis) {
    var s = Scenario.backup(PREEMPTING, 100);
    int takeovers = 0;
    for (int millis = 0; millis < 60_000; millis++) {
      if (millis % everyMillis == 0) {
        s.hear(0, ABOVE);
      }
      if (s.router.deadline() <= s.now) {
        takeovers += s.isBackup() ? 1 : 0;
        s.on(new TimerExpired());
      }
      if (millis % 1_000 == 0) {
        s.hear(150, ABOVE);
        assertTrue(s.isBackup(), "the real master wins every time");
      }
      s.after(MS);
    }
    assertTrue(takeovers <= 60, "takeovers: " + takeovers);
  }

  @Test
  void aChangedConfigurationIsAppliedWithoutLeavingMaster() {
    var slower =
        new VirtualRouterConfig(Version.V3, 51, 3 * SECOND, true, 0, false, LeasePolicy.Overlap, 1);
    var s = Scenario.active(PREEMPTING, 100).on(new ConfigChanged(slower));
    assertEquals(
        List.of(BindAddresses.class, SendAdvertisement.class, AnnounceAddresses.class), s.kinds());
    assertEquals(3 * SECOND, s.untilDeadline());
  }

  @Test
  void aBackupFollowsItsOwnNewIntervalUnlessItHasLearnedAnother() {
    var slower =
        new VirtualRouterConfig(Version.V3, 51, 2 * SECOND, true, 0, false, LeasePolicy.Overlap, 1);
    var s = Scenario.backup(PREEMPTING, 100).on(new ConfigChanged(slower));
    assertEquals(7_218_750_000L, s.untilDeadline());
    var learned = Scenario.backup(PREEMPTING, 100);
    learned.on(new AdvertisementReceived(200, 200 * MS, ABOVE)).on(new ConfigChanged(slower));
    assertEquals(721_875_000L, learned.untilDeadline());
  }

  @Test
  void aMasterThatYieldedGoesBackToItsOwnIntervalWhenItIsMasterAgain() {
    var s = Scenario.active(PREEMPTING, 100);
    s.on(new AdvertisementReceived(200, 200 * MS, ABOVE));
    assertEquals(721_875_000L, s.untilDeadline());
    s.expire().expire();
    assertEquals(SECOND, s.untilDeadline());
  }

  @Test
  void aMasterLostByBfdIsFollowedAsOneThatHasResigned() {
    var backup = Scenario.backup(PREEMPTING, 128).hear(200, ABOVE);
    backup.on(new NeighbourDown(ABOVE));
    assertEquals(9_200_000L, backup.untilDeadline());
    backup.expire().becameActive();
    assertEquals("NeighbourDown", backup.cause());
  }

  @Test
  void anAdvertOfALostMasterTakesTheLossBack() {
    var backup = Scenario.backup(PREEMPTING, 128).hear(200, ABOVE);
    backup.on(new NeighbourDown(ABOVE)).after(10 * MS).hear(200, ABOVE);
    assertEquals(3 * SECOND + SECOND / 2, backup.untilDeadline());
    backup.expire();
    assertEquals("MasterDown", backup.cause());
  }

  @Test
  void theLossOfAnotherThanTheMasterIsNothing() {
    var backup = Scenario.backup(PREEMPTING, 128).hear(200, ABOVE);
    var before = backup.router;
    assertEquals(before, backup.on(new NeighbourDown(BELOW)).router);
    var silent = Scenario.backup(PREEMPTING, 128);
    assertEquals(silent.router, silent.on(new NeighbourDown(ABOVE)).router);
    var active = Scenario.active(PREEMPTING, 128);
    assertEquals(active.router, active.on(new NeighbourDown(ABOVE)).router);
  }

  @Test
  void theMasterIsTheOneHeardLast() {
    var backup = Scenario.backup(PREEMPTING, 128).hear(200, ABOVE).hear(150, BELOW);
    backup.on(new NeighbourDown(ABOVE));
    assertEquals(3 * SECOND + SECOND / 2, backup.untilDeadline());
    var yielded = Scenario.active(PREEMPTING, 128).hear(200, ABOVE);
    yielded.on(new NeighbourDown(ABOVE));
    assertEquals(SECOND / 2, yielded.untilDeadline());
  }

  @Test
  void theTimerOfALostMasterIsNeverMadeLonger() {
    var backup = Scenario.backup(PREEMPTING, 128).hear(200, ABOVE).after(3_495 * MS);
    backup.on(new NeighbourDown(ABOVE));
    assertEquals(5 * MS, backup.untilDeadline());
  }

  /** The lost master may serve on until its leases end. */
  @Test
  void withExclusiveLeasesALossIsNothing() {
    var backup = Scenario.backup(EXCLUSIVE, 128).hear(200, ABOVE);
    assertEquals(backup.router, backup.on(new NeighbourDown(ABOVE)).router);
  }

  @Test
  void aMasterThatIsSilentElsewhereTooIsFollowedAfterThreeAdvertsAndTheCompressedSkew() {
    var backup = Scenario.backup(PREEMPTING, 128).hear(200, ABOVE).after(2 * SECOND);
    backup.on(new MasterSilent(ABOVE));
    assertEquals(SECOND + 9_200_000L, backup.untilDeadline());
    backup.on(new MasterSilent(ABOVE));
    assertEquals(SECOND + 9_200_000L, backup.untilDeadline(), "the skew is left out once");
    backup.expire().becameActive();
    assertEquals("MasterDown", backup.cause());
  }

  @Test
  void whoHasMissedThreeAdvertsAlreadyFollowsASilentMasterNow() {
    var backup = Scenario.backup(PREEMPTING, 128).hear(200, ABOVE).after(3_300 * MS);
    backup.on(new MasterSilent(ABOVE));
    assertEquals(0, backup.untilDeadline());
  }

  @Test
  void anAdvertOfASilentMasterTakesTheSilenceBack() {
    var backup = Scenario.backup(PREEMPTING, 128).hear(200, ABOVE);
    backup.on(new MasterSilent(ABOVE)).hear(200, ABOVE);
    assertEquals(3 * SECOND + SECOND / 2, backup.untilDeadline());
  }

  /** Its leases end with the whole down interval. */
  @Test
  void withExclusiveLeasesTheSkewOfASilentMasterIsWaitedFor() {
    var backup = Scenario.backup(EXCLUSIVE, 128).hear(200, ABOVE);
    assertEquals(backup.router, backup.on(new MasterSilent(ABOVE)).router);
  }
}
