package dev.virtualip.vip;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.vip.tell.DrillPlan;
import dev.virtualip.vip.tell.Reports;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.util.List;
import java.util.Objects;

/** How a drill makes the master leave, and lets it come back. */
interface Departure {
  /** Brings what has to be there before; nobody moves by it. */
  default void prepare() {}

  /** Makes the master leave; returns when the other node is master. */
  void leave();

  /** Lets it come back, if its priority says so. */
  default void end() {}

  /** Leaves nothing behind, wherever the drill has ended; more than once does no harm. */
  default void undo() {}

  /** A switch-over, which is released; with {@code stay} only if the drill is cut short. */
  final class BySwitch implements Departure {
    private final SwitchOver switchOver;
    private final VirtualIp vip;
    private final String to;
    private final boolean wanted;
    private boolean stays;

    BySwitch(SwitchOver switchOver, VirtualIp vip, String to, boolean stay) {
      this.switchOver = switchOver;
      this.vip = vip;
      this.to = to;
      this.wanted = stay;
    }

    @Override
    public void leave() {
      switchOver.to(vip, to);
    }

    @Override
    public void end() {
      stays = wanted;
      undo();
    }

    @Override
    public void undo() {
      if (!stays) {
        switchOver.takeBack(vip.getMetadata().getName(), to);
      }
    }
  }

  /** The agent's pod is deleted, and made anew by its DaemonSet. */
  record ByStop(
      KubernetesClient client, SwitchOver switchOver, VirtualIp vip, DrillPlan plan, Pod agent)
      implements Departure {
    @Override
    public void leave() {
      var before = changes(vip, plan.to());
      client.resource(agent).delete();
      // An agent that is back at once may have been master again before this looks.
      switchOver.await(
          vip.getMetadata().getName(),
          v ->
              Reports.masters(v).equals(List.of(plan.to()))
                  || !Objects.equals(changes(v, plan.to()), before),
          plan.to() + " is not master");
    }

    private static Long changes(VirtualIp vip, String node) {
      var report = Reports.of(vip).get(node);
      return report == null ? null : report.transitions();
    }
  }

  /** A check fails on the master's node alone. */
  record ByCheck(
      FailingCheck check, SwitchOver switchOver, VirtualIp vip, DrillPlan plan, Pod agent)
      implements Departure {
    @Override
    public void prepare() {
      check.add(vip, switchOver);
    }

    @Override
    public void leave() {
      check.fail(vip, agent);
      switchOver.await(
          vip.getMetadata().getName(),
          v -> Reports.masters(v).equals(List.of(plan.to())),
          plan.to() + " is not master: may agents list pods (virtualip-agent-pods)?");
    }

    @Override
    public void end() {
      check.recover(vip);
    }

    @Override
    public void undo() {
      check.remove(vip);
    }
  }
}
