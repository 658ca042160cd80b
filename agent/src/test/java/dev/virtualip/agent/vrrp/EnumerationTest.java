package dev.virtualip.agent.vrrp;

import static dev.virtualip.agent.vrrp.State.NEVER;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.vrrp.Effect.AnnounceAddresses;
import dev.virtualip.agent.vrrp.Effect.BalanceServers;
import dev.virtualip.agent.vrrp.Effect.BindAddresses;
import dev.virtualip.agent.vrrp.Effect.RenewLeases;
import dev.virtualip.agent.vrrp.Effect.RestoreAddresses;
import dev.virtualip.agent.vrrp.Effect.SendAdvertisement;
import dev.virtualip.agent.vrrp.Effect.StateChanged;
import dev.virtualip.agent.vrrp.Effect.UnbindAddresses;
import dev.virtualip.agent.vrrp.Event.FaultsChanged;
import dev.virtualip.agent.vrrp.Event.HoldingsLost;
import dev.virtualip.agent.vrrp.Event.LetGo;
import dev.virtualip.agent.vrrp.Event.MasterSilent;
import dev.virtualip.agent.vrrp.Event.NeighbourDown;
import dev.virtualip.agent.vrrp.Event.PriorityChanged;
import dev.virtualip.agent.vrrp.Event.Quit;
import dev.virtualip.agent.vrrp.Event.Reannounce;
import dev.virtualip.agent.vrrp.Event.Resign;
import dev.virtualip.agent.vrrp.Event.ServersChanged;
import dev.virtualip.agent.vrrp.Event.Shutdown;
import dev.virtualip.agent.vrrp.Event.SourceChanged;
import dev.virtualip.agent.vrrp.Event.TakeOver;
import dev.virtualip.agent.vrrp.Event.TimerExpired;
import dev.virtualip.agent.vrrp.Event.Wish;
import dev.virtualip.agent.vrrp.State.Active;
import dev.virtualip.agent.vrrp.State.Initialize;
import dev.virtualip.agent.vrrp.State.Takeover;
import dev.virtualip.agent.vrrp.StepTable.Case;
import dev.virtualip.agent.vrrp.StepTable.Row;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every state with every event, in every configuration that makes a difference. */
class EnumerationTest {
  private static final long SECOND = 1_000_000_000L;
  private static final long NOW = 1_000 * SECOND;
  private static final long OTHER_INTERVAL = SECOND / 5;
  private static final List<Row> TABLE =
      Stream.of(StepTable.INITIALIZE, StepTable.BACKUP, StepTable.ACTIVE)
          .flatMap(List::stream)
          .toList();

  /** Three addresses in ascending order; as signed bytes they are in another one. */
  private record Family(InetAddress below, InetAddress own, InetAddress above) {
    static final List<Family> ALL =
        List.of(
            of("10.9.0.99", "10.9.0.100", "10.9.0.200"),
            of("fe80::7ffe:0:0:1", "fe80::7fff:0:0:1", "fe80::8000:0:0:1"));

    static Family of(String below, String own, String above) {
      return new Family(
          InetAddress.ofLiteral(below), InetAddress.ofLiteral(own), InetAddress.ofLiteral(above));
    }
  }

  @Test
  void everyStepIsTheOneOfTheTable() {
    var applied = ConcurrentHashMap.<String>newKeySet();
    var met = ConcurrentHashMap.<Class<?>>newKeySet();
    var cases = new LongAdder();
    forEachCase(
        c -> {
          cases.increment();
          met.add(c.event().getClass());
          met.add(c.router().state().getClass());
          var rows = TABLE.stream().filter(row -> row.when().test(c)).toList();
          assertEquals(1, rows.size(), () -> "rows " + rows + " for " + c);
          applied.add(rows.getFirst().name());
          check(rows.getFirst(), c);
        });
    assertEquals(TABLE.size(), applied.size(), () -> "rows of the table met: " + applied);
    assertTrue(cases.sum() > 100_000, cases + " cases");
    for (var kinds : List.of(Event.class, State.class)) {
      assertTrue(met.containsAll(List.of(kinds.getPermittedSubclasses())), () -> "met: " + met);
    }
  }

  private static void check(Row row, Case c) {
    var step = StepRules.step(c.router(), c.event(), c.now());
    var expected = row.then().apply(c);
    var told = step.effects().stream().filter(StateChanged.class::isInstance).toList();
    var done = step.effects().stream().map(EnumerationTest::word).filter(Objects::nonNull).toList();
    var cause = told.isEmpty() ? null : Reason.text(((StateChanged) told.getFirst()).causes());
    // Who the master is has a test of its own.
    if (!Routers.led(expected.state(), null, 0).equals(Routers.led(step.router().state(), null, 0))
        || !expected.effects().equals(done)
        || !Objects.equals(expected.cause(), cause)) {
      throw new AssertionError(
          "row \"%s\" for %s calls for %s, but the outcome is %s"
              .formatted(row.name(), c, expected, step));
    }
  }

  private static String word(Effect effect) {
    return switch (effect) {
      case SendAdvertisement advert -> "advert " + advert.priority();
      case BalanceServers _ -> "balance";
      case BindAddresses _ -> "bind";
      case RestoreAddresses _ -> "restore";
      case UnbindAddresses _ -> "unbind";
      case RenewLeases _ -> "renew";
      case AnnounceAddresses _ -> "announce";
      case StateChanged _ -> null;
    };
  }

  /** A check result that arrives with the wake-up must not make the sleeper think it is on time. */
  @Test
  void noEventMakesABackupThatSleptForgetThatItDid() {
    forEachCase(
        c -> {
          boolean slept =
              c.router().state() instanceof State.Backup b && c.late() > b.masterInterval();
          if (slept
              && (c.event() instanceof PriorityChanged || c.event() instanceof SourceChanged)) {
            var next = StepRules.step(c.router(), c.event(), NOW).router();
            var woken = StepRules.step(next, new TimerExpired(), NOW).router();
            assertFalse(
                woken.state() instanceof Active,
                () -> c + " and then the timer make it Active without listening");
          }
        });
  }

  /** On all processors: it is most of the time that the agent's tests take. */
  private static void forEachCase(Consumer<Case> consumer) {
    Stream.of(Version.values())
        .flatMap(version -> configs(version).stream())
        .parallel()
        .forEach(config -> Family.ALL.forEach(family -> forEachCase(config, family, consumer)));
  }

  private static void forEachCase(
      VirtualRouterConfig config, Family family, Consumer<Case> consumer) {
    for (int priority : new int[] {1, 100, 254, 255}) {
      for (var state : states(config, priority, family.above())) {
        var router = Routers.router(config, priority, family.own(), state);
        for (var event : events(router, family)) {
          consumer.accept(new Case(router, event, NOW));
        }
      }
    }
  }

  private static List<VirtualRouterConfig> configs(Version version) {
    var configs = new ArrayList<VirtualRouterConfig>();
    for (boolean startAsMaster : new boolean[] {false, true}) {
      for (var policy : LeasePolicy.values()) {
        configs.add(Routers.config(version, SECOND, true, 0, startAsMaster, policy));
        configs.add(Routers.config(version, SECOND, false, 0, startAsMaster, policy));
        configs.add(
            new VirtualRouterConfig(
                version, Routers.VRID, SECOND, true, 5 * SECOND, startAsMaster, policy, 3));
      }
    }
    return configs;
  }

  private static List<State> states(VirtualRouterConfig config, int priority, InetAddress master) {
    var states = new ArrayList<State>();
    states.add(new Initialize(Reasons.of("Starting")));
    states.add(new Initialize(Reasons.of("Resuming")));
    states.add(new Initialize(Reasons.of("LinkDown(eth0)")));
    states.add(new Initialize(Reasons.of("LinkDown(eth0)", "CheckFailed(web)")));
    var intervals =
        config.version() == Version.V3 ? Set.of(SECOND, OTHER_INTERVAL) : Set.of(SECOND);
    for (long interval : intervals) {
      for (long due : new long[] {5 * SECOND / 2, SECOND / 2, 0, -interval, -interval - 1}) {
        for (long preemptAt : new long[] {NEVER, NOW + 2 * SECOND, NOW, NOW - SECOND}) {
          for (var takeover : Takeover.values()) {
            for (long yieldedAt : new long[] {0, NOW - interval, NOW - interval + 1}) {
              var backup = Routers.backup(NOW + due, interval, preemptAt, takeover, yieldedAt);
              states.add(backup);
              states.add(Routers.wishing(backup));
              for (int heard : new int[] {99, 200}) {
                states.add(Routers.led(backup, master, heard));
              }
            }
          }
        }
      }
    }
    long down = Rfc.activeDownInterval(config.version(), priority, SECOND);
    for (long late : new long[] {-SECOND / 3, 0, SECOND / 3, SECOND, 2 * SECOND, down, down + 1}) {
      states.add(Routers.active(NOW - late));
    }
    return states;
  }

  private static List<Event> events(VirtualRouter router, Family family) {
    var events = new ArrayList<Event>();
    for (var source : List.of(family.below(), family.own(), family.above())) {
      for (int priority : Set.of(0, 1, 99, 100, 101, 253, 254, 255)) {
        events.add(Routers.advert(priority, SECOND, source));
        events.add(Routers.advert(priority, 2 * SECOND, source));
      }
    }
    if (router.deadline() <= NOW || router.deadline() == NEVER) {
      events.add(new TimerExpired());
    }
    events.add(new FaultsChanged(List.of()));
    events.add(new FaultsChanged(Reasons.of("LinkDown(eth0)")));
    events.add(new FaultsChanged(Reasons.of("CheckFailed(web)", "LinkDown(eth0)")));
    for (int priority : new int[] {1, 80, 100, 200, 254, 255}) {
      events.add(new PriorityChanged(priority));
    }
    events.add(new SourceChanged(family.above()));
    events.add(Routers.configChanged(router.config()));
    for (long interval : new long[] {2 * SECOND, OTHER_INTERVAL}) {
      events.add(Routers.configChanged(Routers.withInterval(router.config(), interval)));
    }
    events.add(
        Routers.configChanged(
            Routers.withPreempt(router.config(), !router.config().preempt(), SECOND)));
    events.add(new Shutdown(Reasons.reason("AgentStopped")));
    events.add(new Quit(Reasons.reason("AgentStopped")));
    events.addAll(List.of(new Wish(), new TakeOver(), new LetGo("inside"), new Reannounce()));
    events.add(new Resign(Reasons.reason("HandedOver(Drain)")));
    events.add(new HoldingsLost());
    events.add(new NeighbourDown(family.above()));
    events.add(new MasterSilent(family.above()));
    events.add(new ServersChanged());
    return events;
  }
}
