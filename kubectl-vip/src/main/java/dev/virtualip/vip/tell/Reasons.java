package dev.virtualip.vip.tell;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** The agents' reasons in words. Each is explained in docs/troubleshooting.md. */
final class Reasons {
  /** {@code Kind: words}, where % is the argument. */
  private static final String WORDS =
      """
      Starting: its faults are not known yet
      Resuming: it was master before its agent ended, and may still be
      Started: it began to take part
      Resumed: it goes on as master after a restart of its agent
      Recovered: its fault has ended
      AddressOwner: it has priority 255 and begins as master
      MasterDown: it heard no master for three advert intervals
      MasterResigned: the master resigned
      NeighbourDown: BFD lost the master
      Preempted: the master had a lower priority
      HigherPriority: it heard a better master, %
      HandedOver: it was asked to hand over, %
      LateWakeUp: it woke up too late to know whether it is still master
      AgentStopped: its agent ended
      Deleted: the VirtualIP was deleted
      Deselected: spec.nodes does not select it any more
      Reconfigured: it began anew with another NIC, family, VRID or version
      DelayAfterBoot: it waits for spec.delayAfterBoot
      CheckPending: check % has no result yet
      CheckFailed: check % fails
      CheckGood: check % is good, and reverse is set
      SyncGroupPending: % of its sync group waits for its checks
      SyncGroup: % of its sync group is at fault
      InterfaceNotFound: it has no NIC %
      LinkDown: NIC % is down
      CaptureFailed: the capture on NIC % failed to open
      NoAddress: NIC % has no address to send adverts from
      TransportFailed: the socket for adverts on NIC % failed
      NoPeers: no peer is known
      NotListed: no peer lists its address %
      NotEthernet: NIC % is no Ethernet
      VirtualMacNotAvailable: the node cannot have a virtual MAC on NIC %
      AdvertTooLong: an advert does not fit the MTU of NIC %
      SecretNotFound: password % is missing
      KeysInvalid: the keys % can't be read
      KeysDiffer: % has other keys of adverts
      AddressInUse: somebody else has %
      IpvsNotAvailable: its kernel has no IPVS
      VirtualServerInUse: another program has the virtual service %
      BindFailed: its kernel has refused addresses, routes or rules
      Conflict: the spec conflicts with another VirtualIP
      OutsidePools: no VirtualIPPool allows it
      InvalidSpec: the spec is not valid
      Defect: its agent has a defect, and begins anew
      HeartbeatStopped: its agent's Lease is not renewed
      AgentNotReady: the kubelet says that its agent is not ready
      Superseded: another node has taken over, and it has not been heard of since
      """;

  private static final Map<String, String> BY_KIND = new HashMap<>();

  static {
    WORDS.lines().map(line -> line.split(": ", 2)).forEach(w -> BY_KIND.put(w[0], w[1]));
  }

  private static final Pattern REASON =
      Pattern.compile("([A-Z][A-Za-z]*)(?:\\(((?:[^()]|\\([^()]*\\))*)\\))?(?:, |$)");

  private Reasons() {}

  /** As in {@code check nginx fails}; what is not known stays as it is. */
  static String words(String text) {
    var words = new ArrayList<String>();
    var reason = REASON.matcher(text);
    int end = 0;
    while (reason.find() && reason.start() == end) {
      end = reason.end();
      var known = BY_KIND.get(reason.group(1));
      var argument = reason.group(2) == null ? "" : reason.group(2);
      words.add(
          known == null ? reason.group().replaceFirst(", $", "") : known.replace("%", argument));
    }
    return end == text.length() ? String.join(", and ", words) : text;
  }

  /** The arguments of all reasons of a kind. */
  static List<String> arguments(String text, String kind) {
    return REASON
        .matcher(text)
        .results()
        .filter(reason -> kind.equals(reason.group(1)) && reason.group(2) != null)
        .map(reason -> reason.group(2))
        .toList();
  }
}
