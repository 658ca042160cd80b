package dev.virtualip.operator;

import dev.virtualip.crds.Conflicts;
import dev.virtualip.crds.NodeFacts;
import dev.virtualip.crds.Problem;
import dev.virtualip.crds.VirtualIp;
import dev.virtualip.crds.VirtualIpStatus;
import dev.virtualip.crds.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.VirtualIpStatus.State;
import dev.virtualip.crds.VirtualIpStatus.SwitchOver;
import dev.virtualip.kube.ApiCall;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * One pass over everything: it brings the status of all VirtualIPs and the agents up to date.
 * VirtualIPs take things away from each other and share the agents, so one look decides about all.
 * What it needs to remember stands in the cluster; here is only what was seen and when. Used by one
 * thread.
 */
final class Pass {
  private static final String STATUS_PATH =
      "apis/" + HasMetadata.getApiVersion(VirtualIp.class) + "/virtualips/%s/status";

  private final KubernetesClient client;
  private final Settings settings;
  private final Clock clock;
  private final Hearing hearing;
  private final Agents agents;
  private final DnsRecords dns;
  private final Told told;
  private final String revision;

  /** Conditions by UID as written last: the cache may not have them yet, nor their times. */
  private final Map<String, List<Condition>> written = new HashMap<>();

  /** Patches by UID as sent last, and what they were made for: the cache lags behind. */
  private final Map<String, Sent> sent = new HashMap<>();

  private record Sent(String resourceVersion, String patch) {}

  /**
   * What there is.
   *
   * @param daemonSet the agents', or null
   * @param pods the agents'
   */
  record Seen(List<VirtualIp> vips, List<Node> nodes, DaemonSet daemonSet, List<Pod> pods) {}

  /**
   * What came of a pass.
   *
   * @param unsettled whether to look again soon although nothing may change: something takes its
   *     time
   * @param turn how far the upgrade of the agents is
   */
  record Outcome(boolean unsettled, AgentRollout.Turn turn) {}

  Pass(KubernetesClient client, Settings settings, Clock clock, Hearing hearing, Told told) {
    this.client = client;
    this.settings = settings;
    this.clock = clock;
    this.hearing = hearing;
    this.agents = new Agents(client, settings);
    this.dns = new DnsRecords(client, settings.namespace());
    this.told = told;
    this.revision = AgentDaemonSet.revision(settings);
  }

  /** What all decisions of a pass go by. */
  private record Look(
      Seen seen,
      Map<String, VirtualIp> believed,
      Map<String, List<Problem>> problems,
      List<NodeFacts> facts,
      Map<String, String> drains,
      Map<String, SwitchOver> switchOvers,
      AgentRollout.Turn turn,
      Set<String> outdated,
      Instant now) {}

  /**
   * Makes a pass. What fails for one VirtualIP keeps no other from its own.
   *
   * @throws IOException the first failure, after everything was tried
   */
  Outcome make(Seen seen) throws IOException, InterruptedException {
    hearing.listen(seen.pods());
    var facts = seen.nodes().stream().map(NodeFacts::of).toList();
    var problems = Conflicts.problems(seen.vips());
    var believed = new TreeMap<String, VirtualIp>();
    seen.vips().forEach(v -> believed.put(v.getMetadata().getName(), hearing.believed(v)));
    var drains = drains(seen.nodes());
    var placement = AgentPlacement.nodes(seen.vips(), problems, facts);
    var now = clock.instant();
    var turn =
        AgentRollout.turn(
            revision, seen.pods(), placement, believed.values(), facts, drains.keySet(), now);
    var switchOvers = SwitchOvers.of(believed.values(), facts, drains, turn.node());
    var outdated = AgentRollout.outdated(revision, seen.pods());
    var look = new Look(seen, believed, problems, facts, drains, switchOvers, turn, outdated, now);
    IOException failure = null;
    boolean asks = false;
    for (var vip : seen.vips()) {
      var said = said(vip, look);
      asks |= !said.handOvers().isEmpty();
      try {
        write(vip, said);
      } catch (IOException e) {
        failure = Objects.requireNonNullElse(failure, e);
      }
    }
    forget(seen.vips());
    agents.sync(placement, seen.daemonSet());
    dns.sync(seen.vips(), problems);
    if (turn.replace() != null && failure == null) {
      agents.replace(turn.replace());
    }
    if (failure != null) {
      throw failure;
    }
    return new Outcome(asks || turn != AgentRollout.Turn.NONE, turn);
  }

  private Map<String, String> drains(List<Node> nodes) {
    var drains = new TreeMap<String, String>();
    nodes.forEach(
        node ->
            DrainTrigger.cause(settings.drainOn(), node)
                .ifPresent(cause -> drains.put(node.getMetadata().getName(), cause)));
    return drains;
  }

  private StatusPatch.Said said(VirtualIp stored, Look look) {
    var name = stored.getMetadata().getName();
    var vip = look.believed().get(name);
    var problems = look.problems().get(name);
    var switchOver = look.switchOvers().get(name);
    var wanted =
        new HandOvers.Wanted(
            look.drains(),
            look.turn().node(),
            look.turn().begins(),
            look.outdated(),
            SwitchOvers.inForce(switchOver) ? switchOver.to() : null);
    var handOvers = HandOvers.of(vip, wanted, look.now());
    var conditions = new ArrayList<>(VirtualIpConditions.of(vip, problems, look.facts()));
    boolean selectable = AgentPlacement.hasSelector(vip, problems);
    conditions.addAll(Health.of(vip, selectable, look.facts(), handOvers));
    return new StatusPatch.Said(
        StatusPatch.timed(conditions, previous(stored), look.now()),
        VirtualIpConditions.master(vip),
        VirtualIpStatus.backups(VirtualIpConditions.reports(vip)),
        unknown(stored),
        gone(stored, selectable, look),
        handOvers,
        switchOver);
  }

  /** Reports of agents that are gone, as they have to be written. */
  private Map<String, NodeStatus> unknown(VirtualIp stored) {
    var unknown = new TreeMap<String, NodeStatus>();
    hearing
        .silent()
        .forEach(
            (node, silence) -> {
              var report = VirtualIpConditions.reports(stored).get(node);
              if (report != null && Hearing.isLive(report)) {
                unknown.put(node, Hearing.unknown(report, silence));
              }
            });
    return unknown;
  }

  /** Nodes that are gone, or have no agent any more that could take its own report away. */
  private static Set<String> gone(VirtualIp stored, boolean selectable, Look look) {
    var names = look.facts().stream().map(NodeFacts::name).collect(Collectors.toSet());
    var staffed =
        look.seen().pods().stream()
            .map(pod -> pod.getSpec().getNodeName())
            .collect(Collectors.toSet());
    var gone = new HashSet<String>();
    VirtualIpConditions.reports(stored)
        .forEach(
            (node, report) -> {
              boolean ended = report.state() == State.Init || report.state() == State.Unknown;
              boolean left =
                  ended
                      && selectable
                      && !staffed.contains(node)
                      && look.facts().stream()
                          .noneMatch(f -> f.name().equals(node) && f.selectedBy(stored.getSpec()));
              if (!names.contains(node) || left) {
                gone.add(node);
              }
            });
    return gone;
  }

  private void write(VirtualIp vip, StatusPatch.Said said)
      throws IOException, InterruptedException {
    var patch = StatusPatch.of(vip, said);
    var uid = vip.getMetadata().getUid();
    var sending = new Sent(vip.getMetadata().getResourceVersion(), patch.orElse(""));
    if (patch.isEmpty() || sending.equals(sent.get(uid))) {
      return;
    }
    var path = STATUS_PATH.formatted(vip.getMetadata().getName());
    var answer = ApiCall.send(client, "PATCH", path, ApiCall.MERGE_PATCH, patch.get());
    if (answer.code() == HttpURLConnection.HTTP_NOT_FOUND) {
      return; // deleted meanwhile
    }
    if (!answer.ok()) {
      throw new IOException(
          "status of %s not written: %s".formatted(vip.getMetadata().getName(), answer));
    }
    var before = previous(vip);
    written.put(uid, said.conditions());
    sent.put(uid, sending);
    told.written(vip, before, said);
  }

  private List<Condition> previous(VirtualIp vip) {
    var status = vip.getStatus();
    var seen =
        status == null || status.conditions() == null ? List.<Condition>of() : status.conditions();
    return written.getOrDefault(vip.getMetadata().getUid(), seen);
  }

  private void forget(List<VirtualIp> vips) {
    var uids = vips.stream().map(vip -> vip.getMetadata().getUid()).collect(Collectors.toSet());
    written.keySet().retainAll(uids);
    sent.keySet().retainAll(uids);
    hearing.retain(uids);
  }
}
