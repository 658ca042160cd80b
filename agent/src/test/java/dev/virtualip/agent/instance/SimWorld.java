package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.Frames.ArpForm;
import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * A simulated cluster of 2 to 5 nodes with up to 4 VirtualIPs, from one seed: what is done to it,
 * and that it is well again after the last of it. {@link SimRules} watches every turn.
 */
final class SimWorld implements SimNode.World {
  private static final long MS = 1_000_000L;
  private static final long SECOND = 1_000 * MS;

  /** A refused bind is tried again so late at most: 64 times 5 s. */
  private static final long BIND_RETRY_MAX = 320 * SECOND;

  /** Deeds that a seed may have. */
  private static final int DEEDS = 17;

  final SimAgenda agenda = new SimAgenda();
  final SplittableRandom random;
  final SimLan lan;

  /** The network of eth2, where some clusters have their adverts, too. */
  final SimLan further;

  final List<SimNode> nodes = new ArrayList<>();
  final List<SimVip> vips = new ArrayList<>();

  /** Whether the interval of some VirtualIP was edited: peers may drop adverts for a while. */
  boolean intervalEdited;

  /** Whether what is done may keep adverts or addresses from being where they should. */
  boolean rough;

  /** Whether a node's kernel has refused what is asked of it, or may. */
  boolean refused;

  /** When the network, or an agent, was last kept from working. */
  long disturbedAt;

  /** Whether nodes are deselected, and pods deleted: chosen apart, as older seeds have no such. */
  private final boolean movesOnPurpose;

  private final SplittableRandom purpose;

  /** Chosen apart for the same reason. */
  private final SplittableRandom bfd;

  /** Of the second network; chosen apart, too. */
  private final SplittableRandom paths;

  private final boolean hasPaths;

  /** Of probes and of whoever answers them; chosen apart, too. */
  private final SplittableRandom probing;

  private final boolean hasStranger;

  /** An address that somebody outside of the cluster has now, or null. */
  private InetAddress strangers;

  /** When anything but a network was last kept from working. */
  long nodesDisturbedAt;

  private final long seed;
  private final Consumer<String> trace;
  private final List<SimVip> deleted = new ArrayList<>();
  private final SimRules rules;
  private final List<Integer> deeds = new ArrayList<>();
  private boolean healed;

  private SimWorld(long seed, Consumer<String> trace) {
    this.seed = seed;
    this.trace = trace;
    random = new SplittableRandom(seed);
    purpose = new SplittableRandom(~seed);
    bfd = new SplittableRandom(31 * seed);
    movesOnPurpose = purpose.nextInt(4) == 0;
    int count = 2 + random.nextInt(random.nextInt(3) == 0 ? 4 : 2);
    lan = new SimLan(agenda, random, count);
    paths = new SplittableRandom(37 * seed);
    hasPaths = paths.nextInt(4) == 0;
    further = new SimLan(agenda, paths, count);
    probing = new SplittableRandom(41 * seed);
    hasStranger = probing.nextInt(4) == 0;
    boolean keepMaster = random.nextInt(5) == 0;
    int total = 1 + random.nextInt(random.nextInt(3) == 0 ? 4 : 2);
    boolean grouped = total > 1 && random.nextInt(3) == 0;
    for (int i = 0; i < total; i++) {
      boolean member = grouped && i < 2;
      var priorities = member && i > 0 ? vips.get(0).priorities : SimVip.priorities(count, random);
      vips.add(new SimVip(i, random, member ? "edge" : null, priorities, keepMaster));
    }
    boolean detects = bfd.nextInt(3) == 0;
    vips.forEach(vip -> vip.bfd = detects && bfd.nextInt(4) > 0);
    vips.forEach(vip -> vip.probes = probing.nextInt(3) > 0);
    for (int i = 0; i < count; i++) {
      nodes.add(new SimNode(i, agenda, random.split(), this));
    }
    if (hasPaths) {
      vips.forEach(vip -> vip.heartbeats = paths.nextInt(4) > 0);
      nodes.forEach(node -> node.kernel.connectEth2(node.number));
    }
    rules = new SimRules(this);
  }

  /**
   * Runs a simulation.
   *
   * @param trace gets what is done and what changes, or null
   * @throws AssertionError if a rule is broken, with how to see it in full
   */
  static void run(long seed, Consumer<String> trace) {
    var world = new SimWorld(seed, trace);
    try {
      world.play();
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError(
          "make simulate SEED=%d fails at %.6f s: %s"
              .formatted(
                  seed, world.agenda.now() / 1e9, e.getMessage() == null ? e : e.getMessage()),
          e);
    }
  }

  void say(String text, Object... values) {
    if (trace != null) {
      trace.accept("%12.6f  %s".formatted(agenda.now() / 1e9, text.formatted(values)));
    }
  }

  private void play() {
    if (trace != null) {
      vips.forEach(vip -> say("%s", vip.object().getSpec()));
    }
    chooseDeeds();
    comeOrGo();
    nodes.forEach(node -> agenda.after(random.nextLong(2 * SECOND), () -> start(node)));
    long interval = vips.stream().mapToLong(SimVip::intervalNanos).max().orElseThrow();
    pass(4 * interval + 3 * SECOND);
    int count = 2 + random.nextInt(12);
    for (int i = 0; i < count; i++) {
      doSomething();
      if (hasPaths) {
        cutFurther();
      }
      comeOrGo();
      agenda.after(bfd.nextLong(150 * MS, 200 * MS), this::detect);
      pass(random.nextLong(1, random.nextInt(3) == 0 ? 6 * interval : 2 * interval));
    }
    if (hasPaths && paths.nextInt(4) == 0) {
      meetOnTheSecond(interval);
    }
    heal();
    settle(interval);
  }

  /** Each is master for itself, and then only the second network tells them of each other. */
  private void meetOnTheSecond(long interval) {
    say("all are cut off from each other, on both networks");
    disturbedAt = agenda.now();
    for (var network : List.of(lan, further)) {
      for (var node : nodes) {
        nodes.forEach(other -> network.cut(node.number, other.number));
      }
    }
    pass(5 * interval);
    say("the second network is whole");
    further.heal();
    pass(12 * interval + 5 * SECOND);
  }

  private void start(SimNode node) {
    if (!node.live()) {
      say("%s starts", node.name);
      node.start();
    }
  }

  private void chooseDeeds() {
    if (random.nextInt(3) == 0) {
      deeds.add(random.nextInt(DEEDS));
    } else {
      for (int deed = 0; deed < DEEDS; deed++) {
        if (random.nextInt(2) == 0) {
          deeds.add(deed);
        }
      }
    }
    if (random.nextInt(4) == 0) {
      rough = true;
      lan.loss = random.nextDouble(0.3);
      lan.doubled = random.nextDouble(0.05);
      further.loss = paths.nextDouble(0.3);
    }
    if (random.nextInt(6) == 0) {
      rough = true;
      refused = true;
      for (var node : nodes) {
        node.kernel.failure = random.nextDouble(0.05);
        node.kernel.reportLoss = random.nextDouble(0.1);
        node.sendFailure = random.nextDouble(0.02);
      }
    }
  }

  private void pass(long nanos) {
    long end = agenda.now() + nanos;
    while (agenda.step(end)) {
      rules.checkOwners();
    }
  }

  private SimNode anyNode() {
    return nodes.get(random.nextInt(nodes.size()));
  }

  private void doSomething() {
    if (deeds.isEmpty()) {
      return;
    }
    var node = anyNode();
    var vip = vips.get(random.nextInt(vips.size()));
    switch (deeds.get(random.nextInt(deeds.size()))) {
      case 0 -> crash(node);
      case 1 -> stop(node);
      case 2 -> reboot(node);
      case 3 -> freeze(node);
      case 4 -> setLink(node, SimKernel.ETH0);
      case 5 -> setLink(node, random.nextBoolean() ? SimKernel.ETH1 : SimKernel.ETH2);
      case 6 -> cut(node);
      case 7 -> flipCheck(node, vip);
      case 8 -> handOver(node, vip);
      case 9 -> editPriority(node, vip);
      case 10 -> editSpec(vip);
      case 11 -> deleteOrCreate(vip);
      case 12 -> removeAddress(node, vip);
      case 13 -> pullOutOrPutIn(node);
      case 14 -> putByOthers(node, vip);
      case 15 -> dropWhatIsDown(node, vip);
      default -> foreignRoute(node, vip);
    }
    if (movesOnPurpose) {
      moveOnPurpose(node, vip);
    }
  }

  /** Sessions of BFD end after the detection time, and now and then for nothing. */
  private void detect() {
    for (var node : nodes) {
      for (var other : nodes) {
        boolean silent =
            !other.live()
                || other.paused()
                || !other.kernel.works(SimKernel.ETH0)
                || !lan.reaches(other.number, node.number);
        if (node.asks(other) && (silent || bfd.nextInt(10) == 0)) {
          say("%s loses %s by BFD%s", node.name, other.name, silent ? "" : ", for nothing");
          node.lose(other);
        }
      }
    }
  }

  private void moveOnPurpose(SimNode node, SimVip vip) {
    switch (purpose.nextInt(4)) {
      case 0 -> selectOrDeselect(node, vip);
      case 1 -> deletePod(node, vip);
      default -> {}
    }
  }

  private void selectOrDeselect(SimNode node, SimVip vip) {
    if (!node.deselected.remove(vip.label())) {
      node.deselected.add(vip.label());
    }
    boolean selected = !node.deselected.contains(vip.label());
    say("%s is %s by %s", node, selected ? "selected" : "selected no more", vip.name);
    node.freshAt = agenda.now();
    planAll();
  }

  /** It serves for a while, and then the check fails. */
  private void deletePod(SimNode node, SimVip vip) {
    say("%s: the pod of %s is being deleted", node, vip.name);
    node.freshAt = agenda.now();
    node.tellLeaving(vip.name, vip.checkWeight);
    agenda.after(
        purpose.nextLong(8 * SECOND),
        () -> {
          node.checkGood.put(vip.name, healed);
          node.freshAt = agenda.now();
          node.tellCheck(vip.name, vip.checkWeight);
        });
  }

  private void later(SimNode node) {
    agenda.after(random.nextLong(10 * SECOND), () -> start(node));
  }

  private void crash(SimNode node) {
    if (node.live()) {
      say("%s is killed", node);
      node.crash();
      rules.forget(node);
      later(node);
    }
  }

  private void stop(SimNode node) {
    if (node.live() && !node.paused() && !node.quits()) {
      say("%s is stopped", node);
      node.stop(
          () -> {
            say("%s has ended", node);
            rules.forget(node);
            later(node);
          });
    }
  }

  private void reboot(SimNode node) {
    say("%s loses its power", node);
    node.reboot();
    rules.forget(node);
    later(node);
  }

  private void freeze(SimNode node) {
    if (node.live() && !node.paused()) {
      long nanos = random.nextLong(10 * MS, 8 * SECOND);
      say("%s is frozen for %.3f s", node, nanos / 1e9);
      disturbed(agenda.now() + nanos);
      node.pause(nanos);
    }
  }

  private void setLink(SimNode node, int slot) {
    var link = node.kernel.link(slot);
    if (link != null) {
      boolean setDown = random.nextBoolean();
      say(
          "%s: %s %s",
          node, link.name(), link.up() ? setDown ? "is set down" : "has no carrier" : "is up");
      disturbed(agenda.now());
      node.freshAt = agenda.now();
      node.kernel.setLink(slot, !link.up(), setDown);
    }
  }

  /** An edit no longer names a NIC that went down a moment ago. */
  private void dropWhatIsDown(SimNode node, SimVip vip) {
    if (vip.tracks) {
      setLink(node, SimKernel.ETH2);
      agenda.after(
          random.nextLong(600 * MS),
          () -> {
            say("edit: %s no longer tracks eth2", vip.name);
            vip.tracks = false;
            edited(vip);
          });
    }
  }

  private void pullOutOrPutIn(SimNode node) {
    int slot = random.nextBoolean() ? SimKernel.ETH1 : SimKernel.ETH2;
    disturbed(agenda.now());
    node.freshAt = agenda.now();
    var link = node.kernel.link(slot);
    if (link == null) {
      say("%s: the NIC is put in again", node);
      node.kernel.putIn(slot);
    } else {
      say("%s: %s is pulled out", node, link.name());
      node.kernel.pullOut(slot);
    }
  }

  private void disturbed(long at) {
    disturbedAt = at;
    nodesDisturbedAt = at;
  }

  /** Somebody outside of the cluster takes an address, or gives it back. */
  private void comeOrGo() {
    if (hasStranger && probing.nextInt(3) > 0) {
      var addresses = vips.get(probing.nextInt(vips.size())).prefixes();
      var address = addresses.get(probing.nextInt(addresses.size())).address();
      strangers = probing.nextBoolean() ? address : null;
      say("somebody outside has %s", strangers);
    }
  }

  /** The second network is cut, or made whole, whatever the first one is. */
  private void cutFurther() {
    var node = nodes.get(paths.nextInt(nodes.size()));
    var other = nodes.get(paths.nextInt(nodes.size()));
    switch (paths.nextInt(6)) {
      case 0 -> {
        say("the second network is whole");
        further.heal();
      }
      case 1 -> {
        say("%s no more reaches %s on the second network", node.name, other.name);
        further.cut(node.number, other.number);
      }
      case 2 -> {
        say("%s and %s no more reach each other on the second network", node.name, other.name);
        further.cut(node.number, other.number);
        further.cut(other.number, node.number);
      }
      case 3 -> {
        say("%s and %s no more reach each other on the first network", node.name, other.name);
        disturbedAt = agenda.now();
        lan.cut(node.number, other.number);
        lan.cut(other.number, node.number);
      }
      default -> {}
    }
  }

  private void cut(SimNode node) {
    disturbedAt = agenda.now();
    if (random.nextInt(3) == 0) {
      say("all networks are whole");
      lan.heal();
      return;
    }
    var other = anyNode();
    boolean both = random.nextBoolean();
    say("%s no more reaches %s%s", node.name, other.name, both ? ", nor does it hear it" : "");
    lan.cut(node.number, other.number);
    if (both) {
      lan.cut(other.number, node.number);
    }
  }

  private void flipCheck(SimNode node, SimVip vip) {
    boolean good = !node.checkGood.getOrDefault(vip.name, true);
    say("%s: check of %s is %s", node.name, vip.name, good ? "good" : "bad");
    node.checkGood.put(vip.name, good);
    node.freshAt = agenda.now();
    node.tellCheck(vip.name, vip.checkWeight);
  }

  private void handOver(SimNode node, SimVip vip) {
    say("%s is asked to hand %s over", node, vip.name);
    vip.request(
        node.name, new HandOver(random.nextBoolean() ? 1 : null, "Drain", "since " + agenda.now()));
    planAll();
    agenda.after(
        random.nextLong(8 * SECOND),
        () -> {
          vip.request(node.name, null);
          planAll();
        });
  }

  private void editPriority(SimNode node, SimVip vip) {
    vip.priorities[node.number] = 2 + random.nextInt(250);
    say("edit: %s has priority %d on %s", vip.name, vip.priorities[node.number], node.name);
    edited(vip);
  }

  private void editSpec(SimVip vip) {
    switch (random.nextInt(5)) {
      case 0 -> {
        vip.intervalMillis = vip.version == 2 ? 1_000 : 500 + 500 * random.nextInt(2);
        vip.intervalMillis = vip.exclusive ? 1_000 : vip.intervalMillis;
        intervalEdited = true;
      }
      case 1 -> vip.preempt = !vip.preempt;
      case 3 -> vip.tracks = !vip.tracks;
      case 2 -> vip.preemptDelayMillis = vip.preemptDelayMillis == 0 ? 1_500 : 0;
      default -> {
        if (vip.addresses.size() > 1 && random.nextBoolean()) {
          vip.addresses.removeLast();
        } else if (vip.addresses.size() < 5) {
          vip.addAddress();
        }
      }
    }
    say(
        "edit: %s every %d ms, preempt %s after %d ms, %s",
        vip.name, vip.intervalMillis, vip.preempt, vip.preemptDelayMillis, vip.addresses);
    edited(vip);
  }

  private void edited(SimVip vip) {
    // The members of a sync group have the same priorities.
    vips.stream()
        .filter(v -> v == vip || v.group != null && vip.group != null)
        .forEach(SimVip::changed);
    planAll();
  }

  private void planAll() {
    nodes.stream().filter(SimNode::live).forEach(SimNode::planSoon);
  }

  private void deleteOrCreate(SimVip vip) {
    if (!deleted.remove(vip)) {
      deleted.add(vip);
    }
    say("%s is %s", vip.name, deleted.contains(vip) ? "deleted" : "created");
    planAll();
  }

  private void removeAddress(SimNode node, SimVip vip) {
    var prefix = vip.prefixes().getFirst();
    say("%s: somebody removes %s", node, prefix);
    node.kernel.removeByOthers(prefix);
  }

  private void putByOthers(SimNode node, SimVip vip) {
    var prefix = vip.prefixes().getLast();
    if (vip.virtualMac) {
      return;
    }
    say("%s: somebody puts %s", node, prefix);
    node.freshAt = agenda.now();
    disturbed(agenda.now());
    node.kernel.putByOthers(prefix);
    agenda.after(random.nextLong(30 * SECOND), node.kernel::clearForeign);
  }

  private void foreignRoute(SimNode node, SimVip vip) {
    if (vip.route && !vip.sharesRoute && node.kernel.link(vip.slot()) != null) {
      refused = true;
      boolean there = random.nextBoolean();
      say("%s: somebody %s the route of %s", node, there ? "takes" : "gives back", vip.name);
      node.kernel.foreignRoute(route(node, vip), there);
    }
  }

  private static InstalledRoute route(SimNode node, SimVip vip) {
    return new InstalledRoute(
        node.kernel.link(vip.slot()).index(),
        vip.destination,
        InetAddress.ofLiteral("203.0.113.254"),
        null,
        254,
        0,
        false);
  }

  private void heal() {
    say("all is mended");
    lan.heal();
    lan.loss = 0;
    lan.doubled = 0;
    further.heal();
    further.loss = 0;
    deleted.clear();
    strangers = null;
    healed = true;
    disturbed(Math.max(disturbedAt, agenda.now()));
    for (var node : nodes) {
      node.sendFailure = 0;
      node.kernel.failure = 0;
      node.kernel.reportLoss = 0;
      node.kernel.clearForeign();
      for (int slot : new int[] {SimKernel.ETH0, SimKernel.ETH1, SimKernel.ETH2}) {
        node.kernel.putIn(slot);
        node.kernel.setLink(slot, true, false);
      }
      node.checkGood.clear();
      node.deselected.clear();
      vips.forEach(
          vip -> {
            vip.request(node.name, null);
            node.tellCheck(vip.name, vip.checkWeight);
          });
      start(node);
    }
    planAll();
  }

  private void settle(long interval) {
    long bound = 12 * interval + 25 * SECOND + (refused ? 2 * BIND_RETRY_MAX : 0);
    String wrong = awaitWell(bound, interval);
    if (wrong != null) {
      throw new AssertionError("not well again after " + bound / SECOND + " s: " + wrong);
    }
    say("it is well again");
    // Leases that an earlier fault has left end, and what is well stays so.
    pass(Math.max(5 * interval, 10 * SECOND));
    // A better node may have recovered so late that it takes over just now, and the interface of a
    // virtual MAC is left on the other one until that looks at its network again.
    wrong = awaitWell(Math.max(4 * interval, 6 * SECOND), interval);
    if (wrong != null) {
      throw new AssertionError("not well any more: " + wrong);
    }
  }

  /** What is {@link #wrong} after so long at most, or null as soon as nothing is. */
  private String awaitWell(long bound, long interval) {
    long end = agenda.now() + bound;
    String wrong = wrong();
    while (wrong != null && agenda.now() < end) {
      pass(interval / 2);
      wrong = wrong();
    }
    return wrong;
  }

  /** What keeps the cluster from being as it should, or null. */
  private String wrong() {
    if (nodes.stream().anyMatch(SimNode::paused)) {
      return "a node is frozen still";
    }
    for (var vip : vips) {
      var masters = nodes.stream().filter(node -> node.isMaster(vip.name)).toList();
      if (masters.size() != 1) {
        return vip.name + " has " + masters.size() + " masters: " + nodes;
      }
      var master = masters.getFirst();
      int best = 0;
      for (int priority : vip.priorities) {
        best = Math.max(best, priority);
      }
      if (vip.preempt && vip.group == null && vip.priorities[master.number] != best) {
        return vip.name + " is not with the best: " + nodes;
      }
      if (vip.group != null
          && !vips.stream().allMatch(v -> v.group == null || master.isMaster(v.name))) {
        return "the sync group is not on one node: " + nodes;
      }
      if (vip.route && !master.kernel.holdsRoute(vip)) {
        return vip.name + " has no route: " + nodes;
      }
    }
    for (var node : nodes) {
      long wanted = vips.stream().filter(vip -> vip.rule && node.isMaster(vip.name)).count();
      if (node.kernel.ruleCount() != wanted) {
        return "%s has %d rules, not %d".formatted(node, node.kernel.ruleCount(), wanted);
      }
      long macs = vips.stream().filter(vip -> vip.virtualMac && node.isMaster(vip.name)).count();
      if (node.kernel.virtualLinkCount() != macs) {
        return "%s has %d virtual MACs, not %d"
            .formatted(node, node.kernel.virtualLinkCount(), macs);
      }
    }
    return null;
  }

  @Override
  public void sent(SimNode from, int slot, byte[] frame) {
    var advert = SimNode.advert(slot, frame);
    if (trace != null) {
      say(
          "%s advertises vrid %d with priority %d by eth%d",
          from.name, advert[0], advert[1], slot - SimKernel.ETH0);
    }
    rules.sent(from, advert);
    var network = slot == SimKernel.ETH0 ? lan : further;
    for (var node : nodes) {
      if (node != from) {
        network.carry(
            from.number,
            node.number,
            () -> {
              if (node.receive(slot, frame)) {
                rules.received(node, SimNode.advert(slot, frame));
              }
            });
      }
    }
  }

  /** Since when adverts of one node reach another on any network, or never. */
  long reachesSince(SimNode from, SimNode to) {
    return Math.min(since(lan, SimKernel.ETH0, from, to), reachesBySecondSince(from, to));
  }

  /** Since when adverts of one node reach another on the second network, or never. */
  long reachesBySecondSince(SimNode from, SimNode to) {
    return since(further, SimKernel.ETH2, from, to);
  }

  /** Since when two nodes reach each other on one and the same network, or never. */
  long meetSince(SimNode one, SimNode other) {
    return Math.min(
        Math.max(since(lan, SimKernel.ETH0, one, other), since(lan, SimKernel.ETH0, other, one)),
        Math.max(
            since(further, SimKernel.ETH2, one, other),
            since(further, SimKernel.ETH2, other, one)));
  }

  private static long since(SimLan network, int slot, SimNode from, SimNode to) {
    boolean up = from.kernel.isUp(slot) && to.kernel.isUp(slot);
    return up ? network.reachesSince(from.number, to.number) : Long.MAX_VALUE;
  }

  @Override
  public void announced(SimNode from, byte[] frame) {
    rules.announced(from, frame);
  }

  @Override
  public void probed(SimNode from, int slot, byte[] frame) {
    var asked = SimRules.address(frame, 38);
    say("%s asks for %s", from.name, asked);
    if (asked.equals(strangers)) {
      answer(from, slot, new HardwareAddress(new byte[] {2, 9, 9, 9, 9, 9}), asked, true);
    }
    for (var node : nodes) {
      boolean meet =
          slot != SimKernel.ETH0
              || lan.reaches(from.number, node.number) && lan.reaches(node.number, from.number);
      var mac = node == from || !meet ? null : node.kernel.answers(slot, asked);
      if (mac != null) {
        answer(from, slot, mac, asked, false);
      }
    }
  }

  private void answer(
      SimNode to, int slot, HardwareAddress mac, InetAddress address, boolean isStranger) {
    if (probing.nextDouble() < lan.loss) {
      return;
    }
    var frame = Frames.gratuitousArp(mac, address, ArpForm.Reply);
    agenda.after(
        probing.nextLong(SimLan.DELAY_MAX),
        () -> {
          if (to.receiveAnswer(slot, frame)) {
            say("%s hears that %s has %s", to.name, mac, address);
            rules.answered(to, address, isStranger);
          }
        });
  }

  @Override
  public void turned(SimNode node) {
    rules.turned(node);
  }

  @Override
  public List<SimVip> wanted() {
    return vips.stream().filter(vip -> !deleted.contains(vip)).toList();
  }

  @Override
  public String toString() {
    return "seed " + seed;
  }
}
