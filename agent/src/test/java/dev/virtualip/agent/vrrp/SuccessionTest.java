package dev.virtualip.agent.vrrp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.vrrp.Effect.BindAddresses;
import dev.virtualip.agent.vrrp.Effect.SendAdvertisement;
import dev.virtualip.agent.vrrp.Effect.UnbindAddresses;
import dev.virtualip.agent.vrrp.Event.AdvertisementReceived;
import dev.virtualip.agent.vrrp.Event.FaultsChanged;
import dev.virtualip.agent.vrrp.Event.Quit;
import dev.virtualip.agent.vrrp.Event.SourceChanged;
import dev.virtualip.agent.vrrp.Event.TimerExpired;
import dev.virtualip.agent.vrrp.State.Active;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Who follows a master that resigns, and when: two to five routers, equal priorities, lost adverts,
 * and a keepalived among them (design/022).
 */
class SuccessionTest {
  private static final long MS = 1_000_000L;
  private static final long SECOND = 1_000 * MS;
  private static final long WAY_MAX = 2 * MS;
  private static final int SEEDS = 20_000;

  /** What happens at a time. */
  private record Due(long at, Runnable action) {}

  /** Routers on a LAN, each with the addresses or not. */
  private static final class Lan {
    private final SplittableRandom random;
    private final PriorityQueue<Due> agenda = new PriorityQueue<>(Comparator.comparing(Due::at));
    private final List<Router> routers = new ArrayList<>();
    private final int version;
    private double loss;
    private long now;
    private long unservedSince = -1;
    private long unservedMax;
    private long sharedSince = -1;
    private long sharedMax;

    Lan(long seed) {
      random = new SplittableRandom(seed);
      version = 2 + random.nextInt(2);
    }

    void join(int priority, boolean keepalived) {
      routers.add(new Router(this, priority, routers.size(), keepalived));
    }

    Router master() {
      var masters = routers.stream().filter(router -> router.isMaster()).toList();
      return masters.size() == 1 ? masters.getFirst() : null;
    }

    void pass(long nanos) {
      long end = now + nanos;
      while (true) {
        var router =
            routers.stream().min(Comparator.comparing(r -> r.machine.deadline())).orElseThrow();
        long timer = router.machine.deadline();
        long next = agenda.isEmpty() ? State.NEVER : agenda.peek().at();
        if (Math.min(timer, next) > end) {
          now = end;
          return;
        }
        now = Math.min(timer, next);
        if (next <= timer) {
          agenda.poll().action().run();
        } else {
          router.on(new TimerExpired());
        }
        watch();
      }
    }

    private void watch() {
      long holders = routers.stream().filter(router -> router.holds).count();
      unservedSince = holders > 0 ? -1 : unservedSince < 0 ? now : unservedSince;
      sharedSince = holders < 2 ? -1 : sharedSince < 0 ? now : sharedSince;
      unservedMax = Math.max(unservedMax, unservedSince < 0 ? 0 : now - unservedSince);
      sharedMax = Math.max(sharedMax, sharedSince < 0 ? 0 : now - sharedSince);
    }

    /** Forgets what was seen. */
    void watchAnew() {
      unservedMax = 0;
      sharedMax = 0;
    }

    void send(Router from, int priority) {
      for (var to : routers) {
        if (to != from && random.nextDouble() >= loss) {
          var advert = new AdvertisementReceived(priority, SECOND, from.machine.source());
          agenda.add(new Due(now + random.nextLong(WAY_MAX / 50, WAY_MAX), () -> to.on(advert)));
        }
      }
    }
  }

  /** A router, of ours or keepalived's, which knows no other wait than the skew. */
  private static final class Router {
    private final Lan lan;
    private final boolean keepalived;
    private VirtualRouter machine;
    private boolean holds;

    Router(Lan lan, int priority, int number, boolean keepalived) {
      this.lan = lan;
      this.keepalived = keepalived;
      var version = Version.of(lan.version);
      var config = Routers.config(version, SECOND, true, 0, false, LeasePolicy.Overlap);
      machine = VirtualRouter.create(config, priority);
      on(new SourceChanged(InetAddress.ofLiteral("10.9.0." + (10 + number))));
      on(new FaultsChanged(List.of()));
    }

    boolean isMaster() {
      return machine.state() instanceof Active;
    }

    void on(Event event) {
      // A backup that never has been one for long takes the whole skew, as keepalived does.
      if (keepalived && machine.state() instanceof State.Backup backup) {
        machine =
            new VirtualRouter(
                machine.config(), machine.priority(), machine.source(), young(backup));
      }
      var step = machine.step(event, lan.now);
      machine = step.router();
      for (var effect : step.effects()) {
        switch (effect) {
          case SendAdvertisement advert -> lan.send(this, advert.priority());
          case BindAddresses _ -> holds = true;
          case UnbindAddresses _ -> holds = false;
          default -> {}
        }
      }
    }

    private State young(State.Backup backup) {
      return new State.Backup(
          backup.activeDownAt(),
          backup.masterInterval(),
          backup.preemptAt(),
          backup.takeover(),
          backup.wishing(),
          backup.releaseAt(),
          lan.now,
          backup.master(),
          backup.masterPriority());
    }

    void leave() {
      on(new Quit(Reasons.reason("AgentStopped")));
    }

    /** keepalived lets go as it says goodbye. */
    void leaveAtOnce() {
      on(new Event.Shutdown(Reasons.reason("AgentStopped")));
    }
  }

  private static Lan lan(long seed, boolean equal, boolean withKeepalived) {
    var lan = new Lan(seed);
    int count = 2 + lan.random.nextInt(4);
    int best = 60 + lan.random.nextInt(150);
    int keepalived = withKeepalived ? lan.random.nextInt(count) : -1;
    for (int i = 0; i < count; i++) {
      lan.join(equal ? best : best - 10 * i, i == keepalived);
    }
    lan.pass(10 * SECOND);
    return lan;
  }

  @Test
  void theBestOfOursFollowsWithinMillisecondsAndNobodyIsWithoutService() {
    for (long seed = 1; seed <= SEEDS; seed++) {
      boolean equal = seed % 4 == 0;
      var lan = lan(seed, equal, false);
      lan.watchAnew();
      var leaves = lan.master();
      leaves.leave();
      lan.pass(28 * MS + 2 * WAY_MAX);
      var follows = lan.master();
      assertTrue(follows != null && follows != leaves, "seed " + seed);
      assertTrue(equal || follows == lan.routers.get(1), "seed " + seed);
      assertEquals(0, lan.unservedMax, "seed " + seed);
      assertTrue(lan.sharedMax <= 2 * WAY_MAX, "seed " + seed + ": shared " + lan.sharedMax);
    }
  }

  @Test
  void aKeepalivedEndsUpWhereItsPriorityPutsItAndIsFollowedAsFast() {
    for (long seed = 1; seed <= SEEDS; seed++) {
      var lan = lan(seed, false, true);
      var leaves = lan.master();
      lan.watchAnew();
      if (leaves.keepalived) {
        leaves.leaveAtOnce();
      } else {
        leaves.leave();
      }
      lan.pass(SECOND + 2 * WAY_MAX);
      assertEquals(1, lan.routers.indexOf(lan.master()), "seed " + seed);
      boolean onlyKeepalived = lan.routers.size() == 2 && lan.routers.get(1).keepalived;
      long longest = onlyKeepalived ? SECOND : leaves.keepalived ? 28 * MS + WAY_MAX : 0;
      assertTrue(lan.unservedMax <= longest, "seed " + seed + ": unserved " + lan.unservedMax);
    }
  }

  @Test
  void whoeverHearsTheResignationFollowsAndLostAdvertsCostNoMoreThanADownInterval() {
    for (long seed = 1; seed <= SEEDS; seed++) {
      var lan = lan(seed, seed % 4 == 0, seed % 3 == 0);
      lan.loss = lan.random.nextDouble(0.5);
      lan.master().leave();
      lan.pass(28 * MS + 2 * WAY_MAX);
      lan.loss = 0;
      lan.pass(10 * SECOND);
      var last = lan.master();
      assertTrue(last != null && last.holds, "seed " + seed);
      assertEquals(1, lan.routers.stream().filter(router -> router.holds).count(), "seed " + seed);
    }
  }
}
