package dev.virtualip.agent.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.agent.linux.NetlinkMessage.Body.Acknowledged;
import dev.virtualip.agent.net.IpvsPort.Change;
import dev.virtualip.agent.net.IpvsPort.Destination;
import dev.virtualip.agent.net.IpvsPort.Failure;
import dev.virtualip.agent.net.IpvsPort.Forwarding;
import dev.virtualip.agent.net.IpvsPort.Protocol;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.IpvsPort.VirtualService;
import dev.virtualip.crds.values.IpPrefix;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What the kernel's answers mean: to each put there are two, of the change and of the addition. */
class IpvsTest {
  private static final ServiceKey HTTPS =
      ServiceKey.of(Protocol.TCP, IpPrefix.parseAddress("203.0.113.10"), 443);
  private static final Destination SERVER =
      new Destination(IpPrefix.parseAddress("10.0.0.21"), 443, 1, Forwarding.MASQUERADE, null);
  private static final Change PUT_SERVICE =
      new Change.PutService(new VirtualService(HTTPS, "mh", Set.of(), false, 0, 0, List.of()));
  private static final Change PUT_SERVER = new Change.PutDestination(HTTPS, SERVER);
  private static final Change DELETE_SERVICE = new Change.DeleteService(HTTPS);
  private static final Change DELETE_SERVER =
      new Change.DeleteDestination(HTTPS, SERVER.address(), 443);

  @Test
  void whatExistsIsChangedAndNotAdded() {
    assertDone(PUT_SERVICE, 0, Errno.EEXIST);
    assertDone(PUT_SERVER, 0, Errno.EEXIST);
  }

  @Test
  void whatDoesNotExistIsAdded() {
    assertDone(PUT_SERVICE, Errno.ESRCH, 0);
    assertDone(PUT_SERVER, Errno.ENOENT, 0);
  }

  @Test
  void deletingWhatIsNotThereSucceeds() {
    assertDone(DELETE_SERVICE, 0);
    assertDone(DELETE_SERVICE, Errno.ESRCH);
    assertDone(DELETE_SERVER, Errno.ENOENT);
    assertDone(DELETE_SERVER, Errno.ESRCH);
    // Without IPv6 there is none of it.
    assertDone(DELETE_SERVICE, Errno.EAFNOSUPPORT);
  }

  @Test
  void aMissingSchedulerIsNamedWhetherTheServiceExistsOrNot() {
    var error = "ENOENT: no such scheduler: load its module, modprobe ip_vs_mh";
    assertFails(error, PUT_SERVICE, Errno.ENOENT, Errno.EEXIST);
    assertFails(error, PUT_SERVICE, Errno.ESRCH, Errno.ENOENT);
  }

  @Test
  void aServerNeedsItsService() {
    assertFails(
        "ESRCH: no such virtual service: it was refused, or deleted by another program",
        PUT_SERVER,
        Errno.ESRCH,
        Errno.ESRCH);
  }

  @Test
  void somebodyElseMayHaveBeenFaster() {
    assertFails(
        "EEXIST: another program has just added the same: try again",
        PUT_SERVICE,
        Errno.ESRCH,
        Errno.EEXIST);
  }

  @Test
  void otherRefusalsSayWhatToDo() {
    assertFails(
        "EPERM: not allowed: give the agent the capability NET_ADMIN, of the node and not only of a"
            + " user namespace",
        PUT_SERVER,
        Errno.EPERM,
        Errno.EPERM);
    assertFails(
        "EAFNOSUPPORT: IPVS has no IPv6 here: boot without ipv6.disable=1, or take a kernel with"
            + " CONFIG_IP_VS_IPV6",
        PUT_SERVICE,
        Errno.EAFNOSUPPORT,
        Errno.EAFNOSUPPORT);
    assertFails("EBUSY: the kernel refused", DELETE_SERVICE, Errno.EBUSY);
  }

  @Test
  void theKernelsWordsAreAdded() {
    var answer = new Acknowledged(Errno.EINVAL, "Attribute failed policy validation");
    assertEquals(
        List.of(
            new Failure(
                DELETE_SERVICE,
                "EINVAL: the kernel takes no such value (Attribute failed policy validation)")),
        Ipvs.failures(List.of(DELETE_SERVICE), List.of(answer).iterator()));
  }

  @Test
  void eachAnswerGoesToItsChange() {
    assertEquals(
        List.of(PUT_SERVER, DELETE_SERVER),
        Ipvs.failures(
                List.of(PUT_SERVICE, PUT_SERVER, DELETE_SERVICE, DELETE_SERVER, PUT_SERVICE),
                answers(
                    Errno.ESRCH, 0, Errno.EINVAL, Errno.EINVAL, 0, Errno.ENOMEM, Errno.ESRCH, 0))
            .stream()
            .map(Failure::change)
            .toList());
  }

  @Test
  void changesAreNamed() {
    assertEquals("virtual service TCP 203.0.113.10:443", PUT_SERVICE.subject());
    assertEquals("server 10.0.0.21:443 of TCP 203.0.113.10:443", PUT_SERVER.subject());
    var six = ServiceKey.of(Protocol.UDP, IpPrefix.parseAddress("2001:db8::10"), 53);
    assertEquals(
        "removal of virtual service UDP [2001:db8::10]:53",
        new Change.DeleteService(six).subject());
    assertEquals(
        "removal of server [2001:db8::10]:53 of fwmark 7 IPv6",
        new Change.DeleteDestination(ServiceKey.ofMark(true, 7), six.address(), 53).subject());
  }

  private static void assertDone(Change change, int... errnos) {
    assertEquals(List.of(), Ipvs.failures(List.of(change), answers(errnos)));
  }

  private static void assertFails(String error, Change change, int... errnos) {
    assertEquals(
        List.of(new Failure(change, error)), Ipvs.failures(List.of(change), answers(errnos)));
  }

  private static Iterator<Acknowledged> answers(int... errnos) {
    return Arrays.stream(errnos).mapToObj(errno -> new Acknowledged(errno, "")).iterator();
  }
}
