package dev.virtualip.agent.instance;

import dev.virtualip.agent.check.CheckState;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.plan.PlanChange;
import dev.virtualip.crds.check.Problem;
import java.util.List;

/** What comes in to a node: the one door. */
public sealed interface Input {
  /** A frame with IP protocol 112. */
  record FrameReceived(int linkIndex, byte[] frame) implements Input {}

  /** A report of the kernel. */
  record NetworkChanged(NetworkEvent event) implements Input {}

  /** A check has another verdict. */
  record CheckChanged(String virtualIp, CheckState state) implements Input {}

  /** What the node should run has changed. */
  record PlanChanged(PlanChange change) implements Input {}

  /** Something about a VirtualIP that users should know, though it keeps nothing from running. */
  record Noted(String virtualIp, List<Problem> problems) implements Input {}
}
