package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.IpvsPort.SyncRole;
import dev.virtualip.agent.vrrp.LeasePolicy;
import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.agent.vrrp.State.Active;
import dev.virtualip.agent.vrrp.State.Backup;
import dev.virtualip.agent.vrrp.State.Initialize;
import dev.virtualip.agent.vrrp.Timers;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** What must hold after every turn of every node of a simulated cluster. */
final class SimRules {
  private static final long MS = 1_000_000L;
  private static final long SECOND = 1_000 * MS;

  /** After the last of several losses it has to be quiet for 250 ms before they are put back. */
  private static final long NOT_LONG = 350 * MS;

  /** What a backup leaves to better ones for each step of priority, and at most. */
  private static final long SUCCESSION_STEP = MS / 10;

  private static final long SUCCESSION_MIN = 2 * MS;

  private static final long SUCCESSION_MAX = 28 * MS;

  /** A refused bind is tried again after this time at the earliest. */
  private static final long BIND_RETRY_MIN = 5 * SECOND;

  /** More than the lease of any interval here, and than the kernel is late. */
  private static final long LEASE_MAX = 11 * SECOND;

  private final SimWorld world;
  private final Map<String, Seen> seen = new HashMap<>();
  private final Map<SimNode, List<int[]>> sent = new HashMap<>();
  private final Map<SimNode, List<int[]>> received = new HashMap<>();
  private final Map<String, Set<IpPrefix>> prefixes = new HashMap<>();

  /** When a node last advertised a VirtualIP in an earlier turn, or in an earlier life. */
  private final Map<String, Long> advertisedAt = new HashMap<>();

  private final Map<IpPrefix, Two> owners = new HashMap<>();

  /**
   * Two that hold an address, and since when. Others are others: who follows a dead one by BFD may
   * die while the lease of that one still runs.
   */
  private record Two(SimNode first, SimNode second, long since) {}

  /** A rule broken in the middle of a turn. */
  private AssertionError broken;

  /** A VirtualIP on a node, as it was after the node's last turn. */
  private static final class Seen {
    long at;
    State state = State.Init;
    int priority;
    VrrpInstance instance;

    /** When it entered its state. */
    long enteredAt;

    /**
     * When a backup last had a reason to wait for a whole down interval, and heard a better one.
     */
    long waitsSince;

    long betterAt = Long.MIN_VALUE / 2;
    long priorityChangedAt;
    long masterSince;

    /** When a backup has heard its master resign, and nothing since. */
    long resignedAt = Long.MAX_VALUE;

    /** How often it has heard that: if more than once, there is no hurry. */
    int resignations;

    /** The same by the slot of the NIC: what comes by another network is a copy. */
    final int[] resignationsBy = new int[SimKernel.ETH2 + 1];

    /** Of the last advert that did not resign; 0 if none was heard. */
    int masterPriority;

    /** When it last preempted at once by its configuration. */
    long preemptedAt = Long.MIN_VALUE;

    /** Since when the kernel's refusal has kept it from taking part. */
    long refusedSince = Long.MAX_VALUE;

    /** Whether the instance has heard an advert, or was master; and whether it may have. */
    boolean knows;

    boolean mayKnow;

    /** When anybody last answered for an address, and when somebody outside did, and for which. */
    long answeredAt = Long.MIN_VALUE / 2;

    long strangerAt = Long.MIN_VALUE / 2;

    InetAddress strangers;

    /** Since when a master has been seen without its route, though it could have it. */
    long routelessSince = Long.MAX_VALUE;
  }

  SimRules(SimWorld world) {
    this.world = world;
    world.nodes.forEach(
        node -> {
          sent.put(node, new ArrayList<>());
          received.put(node, new ArrayList<>());
        });
  }

  private long now() {
    return world.agenda.now();
  }

  private Seen seen(SimNode node, SimVip vip) {
    return seen.computeIfAbsent(node.name + vip.name, _ -> new Seen());
  }

  private static void require(boolean holds, String broken, Object... values) {
    if (!holds) {
      throw new AssertionError(broken.formatted(values));
    }
  }

  /** Its agent has ended: what it did before is no promise of the next one. */
  void forget(SimNode node) {
    world.vips.forEach(vip -> seen.remove(node.name + vip.name));
    received.get(node).clear();
  }

  void sent(SimNode node, int[] advert) {
    sent.get(node).add(advert);
  }

  void received(SimNode node, int[] advert) {
    received.get(node).add(advert);
  }

  /** An answer to a probe has reached a node. */
  void answered(SimNode node, InetAddress address, boolean byStranger) {
    for (var vip : world.vips) {
      if (vip.prefixes().stream().anyMatch(prefix -> prefix.address().equals(address))) {
        var seen = seen(node, vip);
        seen.answeredAt = now();
        seen.strangerAt = byStranger ? now() : seen.strangerAt;
        seen.strangers = byStranger ? address : seen.strangers;
      }
    }
  }

  /** Nobody announces what it does not hold. */
  void announced(SimNode node, byte[] frame) {
    try {
      checkAnnounced(node, frame);
    } catch (AssertionError e) {
      broken = broken == null ? e : broken;
    }
  }

  private void checkAnnounced(SimNode node, byte[] frame) {
    // The sender's address of an ARP packet (RFC 826).
    var address = address(frame, 28);
    require(
        node.kernel.holds(address) || excused(node),
        "%s announces %s and does not hold it",
        node,
        address);
  }

  /** An address in an ARP packet. */
  static InetAddress address(byte[] frame, int at) {
    try {
      return InetAddress.getByAddress(Arrays.copyOfRange(frame, at, at + 4));
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }

  /** Whether the kernel has just lost something, and the agent cannot know yet. */
  private boolean excused(SimNode node) {
    return node.hasJustLost(NOT_LONG) || node.hasWaiting();
  }

  void turned(SimNode node) {
    checkDaemons(node);
    learn(node);
    for (var vip : world.vips) {
      var before = seen(node, vip);
      var status = node.statuses().get(vip.name);
      var instance = node.instance(vip.name);
      var state = status == null || instance == null ? State.Init : status.state();
      if (state != before.state) {
        world.say("%s: %s", node, vip.name + " " + before.state + " -> " + state);
      }
      checkAdverts(node, vip, before, state, instance);
      checkDefect(node, vip, status);
      checkProbes(node, vip, before, state, instance);
      checkMoves(node, vip, before, state, instance);
      checkTimers(node, vip, before, state, instance);
      checkPaths(node, vip, before, state, instance);
      checkSuccession(node, vip, before, state, instance);
      checkRetries(node, vip, before, instance);
      checkHoldings(node, vip, instance, state);
      before.at = now();
      before.state = state;
      before.instance = instance;
      before.priority = instance == null ? 0 : instance.router().priority();
    }
    checkGroup(node);
    sent.get(node).stream()
        .filter(advert -> advert[1] > 0)
        .forEach(advert -> advertisedAt.put(node.name + advert[0], now()));
    sent.get(node).clear();
    received.get(node).clear();
  }

  private static List<int[]> of(SimVip vip, List<int[]> adverts) {
    return adverts.stream().filter(advert -> advert[0] == vip.number + 1).toList();
  }

  private void checkAdverts(
      SimNode node, SimVip vip, Seen before, State state, VrrpInstance instance) {
    var out = of(vip, sent.get(node));
    boolean was = before.state == State.Master;
    boolean is = state == State.Master;
    var reason = instance == null ? "" : node.statuses().get(vip.name).reason();
    // It may resume, and meet a better one, in one turn. Known: where another member of its group
    // was deleted while the node slept, it takes over before it hears the adverts that wait behind.
    boolean yielded = reason.startsWith("HigherPriority") || now() == node.wokeAt;
    boolean couldSend = node.sendFailedAt != now() && node.kernel.link(SimKernel.ETH0).up();
    require(
        was
            || is
            || yielded
            || vip.exclusive
            || !couldSend
            || out.isEmpty()
            || out.getLast()[1] == 0,
        "%s advertises %s and is not its master",
        node,
        vip.name);
    // One that wakes too late lets go first, and its peers have a master by then.
    if (was && !is && couldSend && now() > node.wokeAt + MS) {
      boolean resigns =
          instance == null || state != State.Backup || reason.startsWith("HandedOver");
      // It may yield first, or a member of its sync group, and then end, in one turn.
      boolean yields =
          world.vips.stream()
              .filter(other -> other == vip || other.group != null && vip.group != null)
              .flatMap(other -> of(other, received.get(node)).stream())
              .anyMatch(advert -> advert[1] >= before.priority);
      require(
          !resigns || yields || out.stream().anyMatch(advert -> advert[1] == 0),
          "%s gives %s up and does not say so: %s",
          node,
          vip.name,
          reason);
    }
    boolean steady = was && is && instance == before.instance;
    if (steady && couldSend && !world.intervalEdited) {
      int own = Math.min(before.priority, instance.router().priority());
      // What comes by another network is a copy of what has been answered, or is soon. Of copies of
      // a resignation the first one counts, whichever network it comes by.
      int lowest = vip.heartbeats ? 1 : 0;
      boolean lower =
          of(vip, received.get(node)).stream()
              .filter(advert -> advert[2] == SimKernel.ETH0)
              .anyMatch(advert -> advert[1] >= lowest && advert[1] < own);
      require(!lower || !out.isEmpty(), "%s does not answer a lower master of %s", node, vip.name);
    }
  }

  /**
   * The agent goes on after a defect of its own. So a rule that is broken in the middle of a turn
   * is told here.
   */
  private void checkDefect(SimNode node, SimVip vip, NodeStatus status) {
    if (broken != null) {
      throw broken;
    }
    require(
        status == null || !"Defect".equals(status.reason()),
        "%s has met a defect of its own with %s",
        node,
        vip.name);
  }

  /**
   * Whom a master yields to, what it does after a sleep, and whether it may go on after a restart.
   */
  private void checkMoves(
      SimNode node, SimVip vip, Seen before, State state, VrrpInstance instance) {
    boolean same = instance != null && instance == before.instance;
    boolean was = before.state == State.Master;
    boolean is = state == State.Master;
    var reason = instance == null ? "" : node.statuses().get(vip.name).reason();
    // Checks that have changed while it slept may have changed its priority twice in this turn.
    if (same && was && now() > node.wokeAt && reason.startsWith("HigherPriority")) {
      int own = Math.min(before.priority, instance.router().priority());
      require(
          is || of(vip, received.get(node)).stream().anyMatch(advert -> advert[1] >= own),
          "%s yields %s to a lower master",
          node,
          vip.name);
    }
    if (same && was && now() == node.wokeAt && before.at < now() && !world.intervalEdited) {
      long down = downInterval(vip, before.priority) + vip.intervalNanos();
      require(!is || node.slept < down, "%s slept and goes on as master of %s", node, vip.name);
    }
    if (!was && is && reason.equals("Resumed") && !world.rough && !world.intervalEdited) {
      long silent = now() - advertisedAt.getOrDefault(node.name + (vip.number + 1), 0L);
      // Known: while its NIC is down for less than its debounce, a master renews what it holds.
      boolean heard = node.sendFailedAt < now() - silent;
      require(
          !heard || silent < 3 * vip.intervalNanos() + 200 * MS,
          "%s goes on as master of %s %.3f s after its last advert",
          node,
          vip.name,
          silent / 1e9);
    }
  }

  /** RFC 9568 6.1 and RFC 3768 6.1, not by the code that is tried here. */
  private static long downInterval(SimVip vip, int priority) {
    long interval = vip.intervalNanos();
    return 3 * interval + (256 - priority) * (vip.version == 2 ? SECOND : interval) / 256;
  }

  /** Each new try after a refused bind may depose a good master, so there is time between them. */
  private void checkRetries(SimNode node, SimVip vip, Seen before, VrrpInstance instance) {
    boolean refused =
        instance != null
            && instance.faults().reasons().stream().anyMatch(r -> r.kind() == Kind.BindFailed);
    boolean tries = !refused && before.refusedSince != Long.MAX_VALUE;
    boolean news =
        instance != before.instance
            || Math.max(node.freshAt, node.kernel.freedAt) >= before.refusedSince;
    require(
        !tries || news || now() - before.refusedSince >= BIND_RETRY_MIN,
        "%s tries to bind %s %.3f s after it was refused",
        node,
        vip.name,
        (now() - before.refusedSince) / 1e9);
    if (!refused) {
      before.refusedSince = Long.MAX_VALUE;
    } else if (before.refusedSince == Long.MAX_VALUE) {
      before.refusedSince = now();
    }
  }

  /** Which instances have heard a master until now; the members of a sync group share it. */
  private void learn(SimNode node) {
    for (var vip : world.vips) {
      var before = seen(node, vip);
      boolean same = before.instance != null && before.instance == node.instance(vip.name);
      boolean hears = !of(vip, received.get(node)).isEmpty();
      boolean was = before.state == State.Master;
      before.knows = same && (before.knows || hears || was);
      before.mayKnow = before.knows || hears || same && before.mayKnow;
    }
    for (var vip : world.vips) {
      seen(node, vip).mayKnow = groupOf(vip, node).anyMatch(member -> member.mayKnow);
    }
  }

  /** What is known of a VirtualIP and of the others of its sync group on a node. */
  private Stream<Seen> groupOf(SimVip vip, SimNode node) {
    return world.vips.stream()
        .filter(other -> other == vip || other.group != null && vip.group != null)
        .map(member -> seen(node, member));
  }

  /**
   * Where no master is known, an address that somebody outside answers for is not bound. One that
   * nobody has is no fault, and where a master is known nobody is asked.
   */
  private void checkProbes(
      SimNode node, SimVip vip, Seen before, State state, VrrpInstance instance) {
    if (instance == null || !vip.probes || node.quits()) {
      return;
    }
    boolean takesOver =
        before.state == State.Backup && state == State.Master && before.instance == instance;
    long freeAfter = 3 * Math.max(vip.intervalNanos(), SECOND);
    boolean answered =
        before.strangers != null
            && instance.config().virtual().contains(before.strangers)
            && now() - before.strangerAt < freeAfter
            && before.strangerAt >= Math.max(before.enteredAt, node.freshAt);
    require(
        !takesOver || before.mayKnow || !answered,
        "%s binds %s of %s, for which somebody outside has answered",
        node,
        before.strangers,
        vip.name);
    boolean refuses =
        instance.faults().reasons().stream()
            .filter(reason -> reason.kind() == Kind.AddressInUse)
            .map(reason -> InetAddress.ofLiteral(reason.argument()))
            .anyMatch(address -> !node.kernel.holds(address));
    boolean freed = node.hasJustLost(LEASE_MAX) || now() - node.kernel.freedAt < LEASE_MAX;
    if (!refuses || freed || world.intervalEdited) {
      return;
    }
    boolean knows = groupOf(vip, node).anyMatch(member -> member.knows);
    require(!knows, "%s knows a master of %s, and does not take part", node, vip.name);
    long since = now() - Math.max(before.answeredAt, node.wokeAt);
    require(
        since <= freeAfter + 100 * MS,
        "%s refuses %s, for which nobody has answered for %.3f s",
        node,
        vip.name,
        since / 1e9);
  }

  private void checkTimers(
      SimNode node, SimVip vip, Seen before, State state, VrrpInstance instance) {
    if (instance == null) {
      return;
    }
    var router = instance.router();
    if (before.priority != router.priority() || before.instance != instance) {
      before.priorityChangedAt = now();
    }
    long down = downInterval(vip, Math.max(1, before.priority));
    boolean waited = before.state == State.Backup && before.instance == instance;
    boolean known = !world.intervalEdited && vip.group == null && before.priority > 0;
    long since = Math.max(Math.max(before.waitsSince, node.freshAt), before.priorityChangedAt);
    if (waited && known) {
      require(
          now() - since <= down + vip.intervalNanos() / 20 + 110 * MS,
          "%s waits %.3f s for a master of %s, and should for %.3f s",
          node,
          (now() - since) / 1e9,
          vip.name,
          down / 1e9);
      if (state == State.Master
          && node.statuses().get(vip.name).reason().equals("MasterDown")
          && before.priorityChangedAt < now() - down) {
        long skew = down - 3 * vip.intervalNanos();
        boolean mayFollow = world.vips.size() > 1 && !vip.exclusive;
        long least =
            mayFollow ? 3 * vip.intervalNanos() + Math.min(skew, succession(before)) : down;
        require(
            now() - before.betterAt >= least,
            "%s takes %s over %.6f s after its master's advert",
            node,
            vip.name,
            (now() - before.betterAt) / 1e9);
      }
    }
    if (before.state != state || before.instance != instance) {
      before.enteredAt = now();
      before.waitsSince = now();
      before.masterSince = now();
    }
    for (var advert : of(vip, received.get(node))) {
      before.waitsSince = now();
      if (advert[1] >= router.priority() && state == State.Backup) {
        before.betterAt = now();
      }
    }
  }

  /** The cut of one network is no failover: a master that is heard on another keeps its place. */
  private void checkPaths(
      SimNode node, SimVip vip, Seen before, State state, VrrpInstance instance) {
    var reason = instance == null ? "" : node.statuses().get(vip.name).reason();
    boolean takesOver =
        before.state == State.Backup && state == State.Master && before.instance == instance;
    boolean missed = reason.equals("MasterDown") || reason.equals("NeighbourDown");
    if (!vip.heartbeats || vip.group != null || !takesOver || !missed || world.rough) {
      return;
    }
    for (var other : world.nodes) {
      boolean is = other != node && !other.paused() && other.isMaster(vip.name);
      long steadySince = Math.max(world.nodesDisturbedAt, Math.max(node.wokeAt, other.wokeAt));
      steadySince = Math.max(steadySince, Math.max(node.freshAt, seen(other, vip).masterSince));
      // What BFD says of the first network is believed when the second one does not deny it.
      long heardSince =
          reason.equals("NeighbourDown")
              ? world.reachesBySecondSince(other, node)
              : world.reachesSince(other, node);
      require(
          !is
              || world.intervalEdited
              || now() - Math.max(steadySince, heardSince) < 6 * vip.intervalNanos(),
          "%s misses %s as master of %s, whose adverts reach it",
          node,
          other,
          vip.name);
    }
  }

  /**
   * A master that resigns is followed within milliseconds, the best backup first; with exclusive
   * leases after VRRP's skew.
   */
  private void checkSuccession(
      SimNode node, SimVip vip, Seen before, State state, VrrpInstance instance) {
    // One that was at fault for a part of this turn waits for a master anew.
    boolean anew =
        instance != null
            && instance.router().state() instanceof Backup backup
            && backup.master() == null;
    boolean waited = before.state == State.Backup && before.instance == instance && !anew;
    long waitedFor = now() - before.resignedAt;
    if (waited && waitedFor >= 0 && node.wokeAt < before.resignedAt) {
      require(
          vip.exclusive || waitedFor <= SUCCESSION_MAX,
          "%s waits %.6f s to follow a master of %s that has resigned",
          node,
          waitedFor / 1e9,
          vip.name);
      boolean follows =
          state == State.Master
              && node.statuses().get(vip.name).reason().equals("MasterResigned")
              && (vip.exclusive || before.priorityChangedAt < before.resignedAt)
              && before.priority == instance.router().priority();
      long skew = downInterval(vip, before.priority) - 3 * vip.intervalNanos();
      long least = vip.exclusive ? skew : Math.min(skew, succession(before));
      require(
          !follows || waitedFor >= least,
          "%s leaves better ones %.6f s to follow a master of %s",
          node,
          waitedFor / 1e9,
          vip.name);
    }
    if (state != State.Backup || before.instance != instance || anew) {
      before.resignations = 0;
      Arrays.fill(before.resignationsBy, 0);
      before.resignedAt = Long.MAX_VALUE;
      before.masterPriority = 0;
    }
    if (instance != null) {
      var config = instance.router().config();
      boolean preempts = config.preempt() && config.preemptDelay() == 0;
      before.preemptedAt = preempts ? now() : before.preemptedAt;
    }
    for (var advert : of(vip, received.get(node))) {
      before.masterPriority = advert[1] > 0 ? advert[1] : before.masterPriority;
      if (isCopy(before, advert)) {
        continue;
      }
      boolean hurries = advert[1] == 0 && (before.resignations <= 2 || vip.exclusive);
      long since = before.resignations == 2 ? before.resignedAt : now();
      before.resignedAt = hurries && !anew && follows(node, vip, instance) ? since : Long.MAX_VALUE;
    }
  }

  /** Counts resignations. Whether it is one that was heard on another network before. */
  private static boolean isCopy(Seen before, int[] advert) {
    if (advert[1] > 0) {
      before.resignations = 0;
      Arrays.fill(before.resignationsBy, 0);
      return false;
    }
    int count = ++before.resignationsBy[advert[2]];
    boolean copy = count <= before.resignations;
    before.resignations = Math.max(before.resignations, count);
    return copy;
  }

  /**
   * By how much one that waits, too, may be better: it is not above a master it would preempt. An
   * edit does not move a timer that runs, so what counts is what it did after the last advert.
   */
  private static long succession(Seen before) {
    boolean preempts = before.preemptedAt >= before.betterAt;
    boolean below = preempts && before.priority <= before.masterPriority;
    int steps = (below ? before.masterPriority : 256) - before.priority;
    return SUCCESSION_MIN + steps * SUCCESSION_STEP;
  }

  /** Whether a backup outside of a sync group has not just yielded. */
  private boolean follows(SimNode node, SimVip vip, VrrpInstance instance) {
    return vip.group == null
        && !vip.keepMaster
        && !world.intervalEdited
        && instance != null
        && instance.router().state() instanceof Backup backup
        && (backup.yieldedAt() == 0 || node.clock() - backup.yieldedAt() >= vip.intervalNanos());
  }

  /** Nobody holds what it is not master of, and a master holds it all. */
  private void checkHoldings(SimNode node, SimVip vip, VrrpInstance instance, State state) {
    var known = prefixes.computeIfAbsent(vip.name, _ -> new LinkedHashSet<>());
    known.addAll(vip.prefixes());
    if (!node.configured() || excused(node)) {
      return;
    }
    boolean servesOn =
        instance != null
            && switch (instance.router().state()) {
              case Initialize initialize -> initialize.servesOn();
              case Backup backup -> backup.servesOn();
              case Active _ -> false;
            };
    boolean may = state == State.Master || servesOn;
    var wanted = new LinkedHashSet<IpPrefix>();
    if (may) {
      instance.config().addresses().forEach(address -> wanted.add(address.prefix()));
    }
    boolean leaseMayLast = now() - node.kernel.failedAt < LEASE_MAX;
    for (var prefix : known) {
      boolean holds = node.kernel.holds(prefix);
      require(
          !holds || servesOn || wanted.contains(prefix) || leaseMayLast,
          "%s holds %s of %s and is %s",
          node,
          prefix,
          vip.name,
          state);
      require(
          // Somebody else may have put it, after it was lost.
          state != State.Master || !wanted.contains(prefix) || node.kernel.holds(prefix.address()),
          "%s is master of %s and does not hold %s",
          node,
          vip.name,
          prefix);
    }
    checkServices(node, vip, instance, state, servesOn);
    checkEgress(node, vip, state, may);
    checkRoute(node, vip, state);
    require(
        may || !node.kernel.holdsRoute(vip) || leaseMayLast,
        "%s has the route of %s and is %s",
        node,
        vip.name,
        state);
  }

  /** A route that went without a report is back before anybody misses it. */
  private void checkRoute(SimNode node, SimVip vip, State state) {
    var before = seen(node, vip);
    var link = node.kernel.link(vip.slot());
    boolean lacks =
        state == State.Master
            && vip.route
            && link != null
            && link.up()
            && node.kernel.failure == 0
            && node.kernel.reportLoss == 0
            && !node.kernel.holdsRoute(vip);
    if (!lacks) {
      before.routelessSince = Long.MAX_VALUE;
    } else if (before.routelessSince == Long.MAX_VALUE) {
      before.routelessSince = now();
    }
    require(
        !lacks || now() - before.routelessSince < SECOND,
        "%s is master of %s and has not had its route for a second",
        node,
        vip.name);
  }

  /** Virtual services are in the kernel while the node is master, and only then. */
  private void checkServices(
      SimNode node, SimVip vip, VrrpInstance instance, State state, boolean servesOn) {
    if (!vip.balances || instance == null) {
      return;
    }
    var services = node.kernel.ipvs.services.keySet();
    var keys = instance.config().serviceKeys();
    boolean fresh = now() - Math.max(node.freshAt, node.kernel.failedAt) < LEASE_MAX;
    require(
        state == State.Master || servesOn || fresh || Collections.disjoint(services, keys),
        "%s balances %s and is %s",
        node,
        vip.name,
        state);
    require(
        state != State.Master || services.containsAll(keys),
        "%s is master of %s and does not balance",
        node,
        vip.name);
  }

  /** Sources are translated while the node holds the address that they get, and only then. */
  private static void checkEgress(SimNode node, SimVip vip, State state, boolean may) {
    var wanted = node.egress.wanted;
    boolean translates =
        wanted != null && wanted.stream().anyMatch(nat -> nat.virtualIp().equals(vip.name));
    boolean can = node.kernel.link(vip.slot()) != null;
    require(
        may ? translates || !vip.rule || !can : !translates,
        "%s is %s of %s, and translates sources: %s",
        node,
        state,
        vip.name,
        wanted);
  }

  /** keepalived: lvs_sync_daemon. The kernel has one daemon of each role for all VirtualIPs. */
  private void checkDaemons(SimNode node) {
    boolean may = node.isSettled() && node.configured() && !node.quits();
    if (!may || node.kernel.link(SimKernel.ETH0) == null) {
      return;
    }
    var states =
        world.vips.stream()
            .filter(vip -> vip.balances)
            .map(vip -> node.instance(vip.name))
            .filter(instance -> instance != null)
            .map(instance -> instance.stateName() == State.Master)
            .toList();
    var daemons = node.kernel.ipvs.daemons.keySet();
    require(
        has(node, SyncRole.MASTER, states.contains(true))
            && has(node, SyncRole.BACKUP, states.contains(false)),
        "%s has the sync daemons %s",
        node,
        daemons);
  }

  /** Where nothing asks for any daemon, one of an earlier life stays. */
  private static boolean has(SimNode node, SyncRole role, boolean wanted) {
    boolean has = node.kernel.ipvs.daemons.containsKey(role);
    return has == wanted || has && node.inherited.contains(role);
  }

  /** The members of a sync group are master together, or none is. */
  private void checkGroup(SimNode node) {
    var states = new ArrayList<Boolean>();
    for (var vip : world.vips) {
      if (vip.group != null && node.instance(vip.name) != null) {
        states.add(node.isMaster(vip.name));
      }
    }
    boolean apart = states.contains(true) && states.contains(false);
    require(
        // One that begins waits for a down interval, and once more if it hears who has woken.
        // Who is not heard in one direction meets others as masters of what began meanwhile.
        !apart || now() - node.freshAt < 15 * SECOND || !world.lan.isWhole(),
        "%s is master of one member of the sync group and not of the other",
        node);
  }

  /** Two owners never last, and with exclusive leases there are never two. */
  void checkOwners() {
    for (var vip : world.vips) {
      for (var prefix : vip.prefixes()) {
        checkOwners(vip, prefix);
      }
    }
  }

  private void checkOwners(SimVip vip, IpPrefix prefix) {
    SimNode first = null;
    SimNode second = null;
    for (var node : world.nodes) {
      if (node.kernel.holds(prefix)) {
        second = first == null ? null : second == null ? node : second;
        first = first == null ? node : first;
      }
    }
    if (second == null) {
      owners.remove(prefix);
      return;
    }
    var two = owners.get(prefix);
    if (two == null || two.first() != first || two.second() != second) {
      two = new Two(first, second, now());
      owners.put(prefix, two);
    }
    // What each that is killed leaves lasts for its lease.
    long since = Math.max(two.since(), Math.max(first.killedAt, second.killedAt));
    boolean whole =
        !world.rough && world.lan.isWhole() && now() - world.disturbedAt > 10 * vip.intervalNanos();
    long metSince = whole ? world.disturbedAt : metSince(vip, first, second);
    boolean calm = whole || now() - metSince > 10 * vip.intervalNanos();
    require(
        !calm || now() - Math.max(since, metSince) < bothMax(vip),
        "%s and %s both hold %s since %.3f s",
        first,
        second,
        prefix,
        since / 1e9);
    // Nodes that do not all hear each other may have two masters, and who follows one meets the
    // other.
    boolean allMeet = whole || now() - allMetSince(vip) > 10 * vip.intervalNanos();
    require(
        !allMeet
            || !vip.exclusive
            || vip.keepMaster
            || equals(vip)
            || priority(first, vip) == priority(second, vip)
            || world.intervalEdited
            || metAtOnce(vip, first, second)
            || claimedFromTheDead(vip, first, second),
        "%s and %s both hold %s, whose lease is exclusive",
        first,
        second,
        prefix);
  }

  /** Since when two nodes hear each other on one and the same of several networks, or never. */
  private long metSince(SimVip vip, SimNode first, SimNode second) {
    if (!vip.heartbeats || world.rough) {
      return Long.MAX_VALUE;
    }
    return Math.max(world.nodesDisturbedAt, world.meetSince(first, second));
  }

  private long allMetSince(SimVip vip) {
    return world.nodes.stream()
        .flatMapToLong(
            one ->
                world.nodes.stream()
                    .filter(other -> other != one)
                    .mapToLong(other -> metSince(vip, one, other)))
        .max()
        .orElse(Long.MAX_VALUE);
  }

  /**
   * Known: two whose timers end within the way of an advert both take over, and part when it is
   * there (RFC 9568 8.3.2 has the skew to make that rare).
   */
  private boolean metAtOnce(SimVip vip, SimNode first, SimNode second) {
    long apart = seen(first, vip).masterSince - seen(second, vip).masterSince;
    return first.isMaster(vip.name)
        && second.isMaster(vip.name)
        && Math.abs(apart) <= SimLan.DELAY_MAX;
  }

  /**
   * Known: who claims from a master that has died since its last advert gets no answer, and cannot
   * tell that from one that let go without a word, as keepalived does. If it is refused the address
   * then, or hands over, it resigns, and another one follows.
   */
  private boolean claimedFromTheDead(SimVip vip, SimNode first, SimNode second) {
    return claimed(first, vip) && hasJustBeenDead(second, vip)
        || claimed(second, vip) && hasJustBeenDead(first, vip)
        || hasJustBeenDead(first, vip) && hasJustBeenDead(second, vip);
  }

  private boolean claimed(SimNode node, SimVip vip) {
    var status = node.statuses().get(vip.name);
    return status != null
        && (status.reason().equals("Preempted")
            || status.reason().equals("SyncGroup")
            || status.reason().equals("MasterResigned"));
  }

  /** It is dead, or frozen, or back and going on within its lease. */
  private static boolean hasJustBeenDead(SimNode node, SimVip vip) {
    var status = node.statuses().get(vip.name);
    return !node.configured()
        || node.paused()
        || status != null && status.reason().equals("Resumed");
  }

  /** The lease, by which the kernel may be late, and the adverts that it takes to part two. */
  private long bothMax(SimVip vip) {
    long lease =
        Timers.leaseSeconds(Version.of(vip.version), vip.intervalNanos(), LeasePolicy.Overlap);
    return (world.intervalEdited ? LEASE_MAX : lease * SECOND)
        // A tie that is decided on a further network has to last for a while.
        + (vip.heartbeats ? 6 : 2) * vip.intervalNanos()
        + 2 * SECOND;
  }

  private static int priority(SimNode node, SimVip vip) {
    var instance = node.instance(vip.name);
    return instance == null ? 0 : instance.router().priority();
  }

  /** Equals may both think that they are master for a moment: VRRP parts them by address. */
  private static boolean equals(SimVip vip) {
    return Arrays.stream(vip.priorities).distinct().count() < vip.priorities.length;
  }
}
