package dev.virtualip.operator.act;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.schema.VirtualIpStatus.SwitchOver;
import dev.virtualip.kube.EventWriter;
import dev.virtualip.operator.decide.AgentRollout;
import dev.virtualip.operator.decide.HandOvers;
import dev.virtualip.operator.decide.Health;
import dev.virtualip.operator.decide.ServiceDecisions;
import dev.virtualip.operator.decide.StatusDecision;
import dev.virtualip.operator.decide.UpgradePause;
import dev.virtualip.operator.decide.VirtualIpConditions;
import dev.virtualip.operator.watch.ClusterView;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.api.model.ObjectReferenceBuilder;
import io.fabric8.kubernetes.api.model.Service;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reports the operator's decisions in the log, as Events, and in metrics. */
public final class Journal {
  private static final Logger LOG = LoggerFactory.getLogger(Journal.class);

  /**
   * Conditions whose changes become Events. The other conditions follow from changes that agents
   * report as Events.
   */
  private static final Set<String> NEWS =
      Set.of(
          VirtualIpConditions.ACCEPTED,
          Health.MULTIPLE_MASTERS,
          Health.VRID_CONFLICT,
          Health.STRAY_ADDRESSES,
          Health.HEARTBEAT_LOST);

  private final EventWriter events;
  private final LongSupplier nanoTime;
  private final OperatorMetrics metrics;
  private final UpgradePause pause = new UpgradePause();
  private boolean paused;
  private String waitsFor;

  /** What was said last of each Service, by UID, and of names of VirtualIPs. */
  private Map<String, String> lacking = Map.of();

  private List<String> takenNames = List.of();

  public Journal(EventWriter events, OperatorMetrics metrics, LongSupplier nanoTime) {
    this.events = events;
    this.nanoTime = nanoTime;
    this.metrics = metrics;
  }

  /**
   * A VRID was written into the spec of a VirtualIP.
   *
   * @param foreign who uses the one that it had, or null if it had none
   */
  public void allocated(VirtualIp vip, int vrid, String foreign) {
    if (foreign != null) {
      moved(vip, vrid, foreign);
      return;
    }
    LOG.info("vrid_allocated vip={} vrid={}", vip.getMetadata().getName(), vrid);
    events.record(
        reference(vip),
        false,
        "VridAllocated",
        "spec.vrid is %d now: none was given, and no VirtualIP has it".formatted(vrid));
  }

  private void moved(VirtualIp vip, int vrid, String foreign) {
    var before = vip.getSpec().vrid();
    LOG.warn(
        "vrid_moved vip={} vrid={} before={} reason=\"{}\"",
        vip.getMetadata().getName(),
        vrid,
        before,
        foreign);
    events.record(
        reference(vip),
        true,
        "VridMoved",
        "spec.vrid is %d now and was %d, which nobody chose: %s. It is moved this once"
            .formatted(vrid, before, foreign));
  }

  /**
   * The status of a VirtualIP was written.
   *
   * @param before the conditions before that
   */
  public void written(VirtualIp vip, List<Condition> before, StatusDecision decided) {
    metrics.statusWritten();
    var about = reference(vip);
    decided.conditions().stream()
        .filter(condition -> before.stream().noneMatch(b -> sameNews(b, condition)))
        .forEach(condition -> conditionChanged(about, condition, before));
    decided
        .unknown()
        .forEach((_, report) -> events.record(about, true, "NodeUnknown", report.message()));
    var reports = ClusterView.reports(vip);
    var asked = HandOvers.present(vip);
    decided
        .handOvers()
        .forEach(
            (node, handOver) -> {
              boolean master =
                  reports.containsKey(node) && reports.get(node).state() == State.Master;
              if (master && !handOver.equals(asked.get(node))) {
                LOG.info(
                    "hand_over vip={} node={} reason=\"{}\"",
                    about.getName(),
                    node,
                    handOver.reason());
                events.record(
                    about,
                    false,
                    "HandOver",
                    "%s is asked to hand over: %s".formatted(node, handOver.reason()));
              }
            });
    switchOver(about, vip.getStatus() == null ? null : vip.getStatus().switchOver(), decided);
  }

  private static boolean sameNews(Condition a, Condition b) {
    return a.getType().equals(b.getType())
        && a.getStatus().equals(b.getStatus())
        && Objects.equals(a.getReason(), b.getReason());
  }

  private void conditionChanged(
      ObjectReference about, Condition condition, List<Condition> before) {
    LOG.info(
        "condition vip={} type={} status={} reason={} message=\"{}\"",
        about.getName(),
        condition.getType(),
        condition.getStatus(),
        condition.getReason(),
        condition.getMessage());
    boolean turned =
        before.stream()
            .filter(b -> b.getType().equals(condition.getType()))
            .anyMatch(b -> !b.getStatus().equals(condition.getStatus()));
    boolean bad =
        condition.getType().equals(VirtualIpConditions.ACCEPTED)
            != condition.getStatus().equals("True");
    boolean news =
        NEWS.contains(condition.getType())
            || condition.getType().equals(Health.DEGRADED)
                && condition.getReason().equals(Health.EDIT_REFUSED);
    // A good condition is news only if it was bad before.
    if (news && (bad || turned)) {
      events.record(about, bad, condition.getReason(), condition.getMessage());
    }
  }

  private void switchOver(ObjectReference about, SwitchOver before, StatusDecision decided) {
    var now = decided.switchOver();
    boolean same =
        now == null
            || before != null && now.to().equals(before.to()) && now.result() == before.result();
    if (!same) {
      var text = "switch-over to %s: %s".formatted(now.to(), now.message());
      LOG.info("switch_over vip={} result={} message=\"{}\"", about.getName(), now.result(), text);
      events.record(
          about, now.result() == SwitchOver.Result.Refused, "SwitchOver" + now.result(), text);
    }
  }

  /** The addresses of a Service were written; none if it has no more. */
  public void assigned(Service service, List<String> addresses) {
    var text = addresses.isEmpty() ? "none" : String.join(", ", addresses);
    LOG.info("addresses_assigned service={} addresses=\"{}\"", key(service), text);
    events.record(
        reference(service),
        false,
        addresses.isEmpty() ? "AddressesReleased" : "AddressesAssigned",
        addresses.isEmpty() ? "it has no address any more" : "it has " + text);
  }

  /** A VirtualIP for Services was made, edited or deleted. */
  public void lane(String name, String what) {
    LOG.info("lane_{} vip={}", what, name);
  }

  /** Reports what Services lack, if it was not said yet. */
  public void services(ServiceDecisions decided) {
    var now = new HashMap<String, String>();
    decided
        .failures()
        .forEach(
            (service, why) -> {
              now.put(service.getMetadata().getUid(), why);
              if (!why.equals(lacking.get(service.getMetadata().getUid()))) {
                LOG.warn("allocation_failed service={} reason=\"{}\"", key(service), why);
                events.record(reference(service), true, "AllocationFailed", why);
              }
            });
    lacking = now;
    if (!decided.lanes().taken().equals(takenNames)) {
      takenNames = decided.lanes().taken();
      takenNames.forEach(name -> LOG.warn("name_taken reason=\"{}\"", name));
    }
    metrics.services(decided.assigned(), decided.failures().size());
  }

  private static String key(HasMetadata object) {
    return object.getMetadata().getNamespace() + "/" + object.getMetadata().getName();
  }

  /**
   * Reports the progress of the upgrade of the agents.
   *
   * @param daemonSet the agents' DaemonSet, or null
   */
  public void upgrade(HasMetadata daemonSet, AgentRollout.Turn turn) {
    if (!Objects.equals(turn.waitsFor(), waitsFor)) {
      waitsFor = turn.waitsFor();
      if (waitsFor != null) {
        LOG.info("upgrade_waits reason=\"{}\"", waitsFor);
      }
    }
    boolean before = paused;
    paused = pause.paused(turn, nanoTime.getAsLong());
    if (paused && !before) {
      LOG.warn("upgrade_paused reason=\"{}\"", waitsFor);
      if (daemonSet != null) {
        events.record(reference(daemonSet), true, "UpgradePaused", waitsFor);
      }
    }
    metrics.upgradePaused(paused);
  }

  private static ObjectReference reference(HasMetadata object) {
    return new ObjectReferenceBuilder()
        .withApiVersion(object.getApiVersion())
        .withKind(object.getKind())
        .withNamespace(object.getMetadata().getNamespace())
        .withName(object.getMetadata().getName())
        .withUid(object.getMetadata().getUid())
        .build();
  }
}
