package dev.virtualip.agent.instance;

import dev.virtualip.agent.bfd.Neighbour;
import dev.virtualip.agent.bfd.NeighbourState;
import dev.virtualip.agent.check.CheckState;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.plan.PlanChange;
import dev.virtualip.crds.check.Problem;
import java.util.List;

/** The one door in: all inputs of a {@link NodeMachine}. */
public sealed interface Input {
  /** A captured frame with IP protocol 112 (VRRP), or an answer to a probe; not yet validated. */
  record FrameReceived(int linkIndex, byte[] frame) implements Input {}

  /** A report of the kernel by netlink. */
  record NetworkChanged(NetworkEvent event) implements Input {}

  /** A session of BFD says something else about its neighbour. */
  record NeighbourChanged(Neighbour neighbour, NeighbourState state) implements Input {}

  /** A check has another verdict. */
  record CheckChanged(String virtualIp, CheckState state) implements Input {}

  /** What the node should run has changed. */
  record PlanChanged(PlanChange change) implements Input {}

  /** Problems of a VirtualIP that users should know about but that do not keep it from running. */
  record Noted(String virtualIp, List<Problem> problems) implements Input {}
}
