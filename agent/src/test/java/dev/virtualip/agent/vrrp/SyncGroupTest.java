package dev.virtualip.agent.vrrp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.vrrp.Effect.AnnounceAddresses;
import dev.virtualip.agent.vrrp.Effect.SendAdvertisement;
import dev.virtualip.agent.vrrp.Effect.StateChanged;
import dev.virtualip.agent.vrrp.Event.AdvertisementReceived;
import dev.virtualip.agent.vrrp.Event.FaultsChanged;
import dev.virtualip.agent.vrrp.Event.Resign;
import dev.virtualip.agent.vrrp.Event.SourceChanged;
import dev.virtualip.agent.vrrp.Event.TimerExpired;
import dev.virtualip.agent.vrrp.Event.Wish;
import dev.virtualip.agent.vrrp.State.Active;
import dev.virtualip.agent.vrrp.State.Backup;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Members of keepalived's vrrp_sync_group; case numbers are those of docs/protocol-cases.md. */
class SyncGroupTest {
  private static final long SECOND = 1_000_000_000L;
  private static final InetAddress US = InetAddress.ofLiteral("10.9.0.100");
  private static final InetAddress PEER = InetAddress.ofLiteral("10.9.0.200");

  private final TreeMap<String, VirtualRouter> members = new TreeMap<>();
  private final List<String> happened = new ArrayList<>();
  private long now;

  @BeforeEach
  void start() {
    member("a", 100);
    member("b", 150);
    happened.clear();
  }

  private void member(String name, int priority) {
    var config =
        new VirtualRouterConfig(
            Version.V3, name.charAt(0), SECOND, true, 0, false, LeasePolicy.Overlap, 1);
    members.put(name, VirtualRouter.create(config, priority));
    on(name, new SourceChanged(US));
    on(name, new FaultsChanged(List.of()));
  }

  private void on(String name, Event event) {
    var before = members.get(name);
    var step = before.step(event, now);
    members.put(name, step.router());
    for (var effect : step.effects()) {
      switch (effect) {
        case SendAdvertisement advert -> happened.add(name + " advert " + advert.priority());
        case AnnounceAddresses _ -> happened.add(name + " announce");
        case StateChanged changed ->
            happened.add(name + " " + changed.state().getClass().getSimpleName());
        default -> {}
      }
    }
    SyncGroup.follow(name, before, step, members).forEach(this::on);
  }

  /** Lets the member whose timer is due first have it. */
  private void expireNext() {
    var next =
        members.entrySet().stream()
            .min((a, b) -> Long.compare(a.getValue().deadline(), b.getValue().deadline()))
            .orElseThrow();
    now = next.getValue().deadline();
    boolean backup = next.getValue().state() instanceof Backup;
    on(next.getKey(), backup ? new Wish() : new TimerExpired());
  }

  private void becomeMaster() {
    expireNext();
    expireNext();
    assertTrue(members.values().stream().allMatch(r -> r.state() instanceof Active));
    happened.clear();
  }

  @Test
  void case48_membersBecomeMasterTogetherWhenTheSlowestIsDue() {
    expireNext();
    assertEquals(List.of(), happened, "b, the faster, waits");
    expireNext();
    assertEquals(3_609_375_000L, now);
    assertEquals(
        List.of("a advert 100", "a announce", "a Active", "b advert 150", "b announce", "b Active"),
        happened);
  }

  @Test
  void aMemberThatHearsABetterMasterAgainWithdrawsItsWish() {
    expireNext();
    on("b", new AdvertisementReceived(200, SECOND, PEER));
    now = members.get("a").deadline();
    on("a", new Wish());
    assertEquals(List.of(), happened);
    assertTrue(members.values().stream().allMatch(r -> r.state() instanceof Backup));
  }

  @Test
  void case49_oneMemberYieldsAndAllDo_withoutPriorityZero() {
    becomeMaster();
    on("a", new AdvertisementReceived(200, SECOND, PEER));
    assertEquals(List.of("a advert 100", "a Backup", "b Backup"), happened);
  }

  @Test
  void oneMemberHandsOverAndAllDo_eachWithPriorityZero() {
    becomeMaster();
    on("a", new Resign(Reasons.reason("HandedOver(Drain)")));
    assertEquals(
        List.of("a advert 0", "a advert 0", "a Backup", "b advert 0", "b advert 0", "b Backup"),
        happened);
  }

  @Test
  void aLowerMasterIsAnsweredByItsMemberAndAnnouncedAgainstByAll() {
    becomeMaster();
    on("a", new AdvertisementReceived(50, SECOND, PEER));
    assertEquals(List.of("a advert 100", "a announce", "b announce"), happened);
  }

  @Test
  void regularAdvertsConcernNobodyElse() {
    becomeMaster();
    expireNext();
    assertEquals(1, happened.size());
  }
}
