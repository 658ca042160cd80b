package dev.virtualip.agent.linux;

import dev.virtualip.agent.linux.NetlinkMessage.Body.Acknowledged;
import dev.virtualip.agent.net.IpvsPort;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ObjIntConsumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * IPVS of the network namespace it was opened in, through one socket of generic netlink. All but
 * {@link #available} needs NET_ADMIN, reading too. Calls of several threads run one after the
 * other.
 */
public final class Ipvs implements IpvsPort, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Ipvs.class);

  private static final String NOT_THERE = "the kernel has no IPVS: load its module, modprobe ip_vs";

  private final NetlinkExchange<IpvsRequests> exchange =
      new NetlinkExchange<>(
          NetlinkProtocol.GENERIC,
          out -> new IpvsRequests(out, family()),
          IpvsRequests.CHANGE_BYTES_MAX);

  /** The kernel's number for IPVS; 0 as long as it has none. */
  private int family;

  /**
   * Opens the socket.
   *
   * @throws IOException if the kernel refuses
   * @throws UnsatisfiedLinkError if Java may not make native calls, or this is no Linux
   */
  public Ipvs() throws IOException {}

  private int family() {
    return family;
  }

  @Override
  public synchronized boolean available() {
    try {
      return find();
    } catch (IOException e) {
      LOG.warn("ipvs_unknown error=\"{}\"", e.getMessage());
      return false;
    }
  }

  private boolean find() throws IOException {
    if (family == 0) {
      family =
          exchange
              .ask(
                  IpvsRequests::dumpFamilies,
                  body ->
                      body instanceof IpvsMessage.Family(int id, var name)
                              && name.equals(Genetlink.IPVS_GENL_NAME)
                          ? Optional.of(id)
                          : Optional.empty())
              .stream()
              .findFirst()
              .orElse(0);
    }
    return family != 0;
  }

  private void need() throws IOException {
    if (!find()) {
      throw new IOException(NOT_THERE);
    }
  }

  /**
   * After ENOENT: whether the kernel has another number for IPVS by now, since its module was
   * loaded anew.
   *
   * @throws IOException if it has none
   */
  private boolean isMoved() throws IOException {
    int before = family;
    family = 0;
    need();
    return family != before;
  }

  private <T> List<T> ask(ObjIntConsumer<IpvsRequests> request, Class<T> wanted)
      throws IOException {
    need();
    try {
      return exchange.ask(
          request,
          body -> wanted.isInstance(body) ? Optional.of(wanted.cast(body)) : Optional.empty());
    } catch (ErrnoException e) {
      if (e.errno() == Errno.ENOENT && isMoved()) {
        return ask(request, wanted);
      }
      throw e;
    }
  }

  private List<Acknowledged> acknowledged(int count, NetlinkExchange.Request<IpvsRequests> request)
      throws IOException {
    need();
    var answers = exchange.acknowledged(count, request);
    boolean unknown = answers.stream().anyMatch(answer -> answer.errno() == Errno.ENOENT);
    return unknown && isMoved() ? acknowledged(count, request) : answers;
  }

  private Acknowledged acknowledged(ObjIntConsumer<IpvsRequests> request) throws IOException {
    return acknowledged(1, (out, _, number) -> request.accept(out, number)).getFirst();
  }

  @Override
  public synchronized List<VirtualService> services() throws IOException {
    var services = new ArrayList<VirtualService>();
    for (var service : dumpServices()) {
      var destinations =
          dumpServers(service.service().key()).stream()
              .map(IpvsMessage.Server::destination)
              .toList();
      services.add(service.service().with(destinations));
    }
    return List.copyOf(services);
  }

  @Override
  public synchronized List<ServiceStatistics> statistics(Predicate<ServiceKey> wanted)
      throws IOException {
    var statistics = new ArrayList<ServiceStatistics>();
    for (var service : dumpServices()) {
      var key = service.service().key();
      if (wanted.test(key)) {
        var servers = dumpServers(key).stream().map(IpvsMessage.Server::statistics).toList();
        statistics.add(new ServiceStatistics(key, service.counters(), servers));
      }
    }
    return List.copyOf(statistics);
  }

  private Iterable<IpvsMessage.Service> dumpServices() throws IOException {
    return distinct(
        ask(IpvsRequests::dumpServices, IpvsMessage.Service.class), s -> s.service().key());
  }

  /** In the order in which they were added: the kernel tells the last one first. */
  private List<IpvsMessage.Server> dumpServers(ServiceKey key) throws IOException {
    return distinct(
            ask((out, number) -> out.dumpDestinations(number, key), IpvsMessage.Server.class),
            s -> Map.entry(s.destination().address(), s.destination().port()))
        .reversed();
  }

  /**
   * The kernel counts how many of a list it has told already, so it tells one twice if another is
   * added meanwhile.
   */
  private static <T> List<T> distinct(List<T> told, Function<T, Object> key) {
    var distinct = new LinkedHashMap<Object, T>();
    told.forEach(one -> distinct.putIfAbsent(key.apply(one), one));
    return List.copyOf(distinct.values());
  }

  /** A request: what is put is first changed, then added. The kernel refuses one of the two. */
  private record Step(Change change, boolean add) {}

  /**
   * {@inheritDoc}
   *
   * <p>One write takes up to 512 requests, two for each that is put; more take several writes.
   */
  @Override
  public synchronized List<Failure> apply(List<Change> changes) throws IOException {
    var steps = new ArrayList<Step>();
    for (var change : changes) {
      steps.add(new Step(change, false));
      if (isPut(change)) {
        steps.add(new Step(change, true));
      }
    }
    var answers =
        acknowledged(
            steps.size(),
            (out, i, number) -> out.change(number, steps.get(i).change(), steps.get(i).add()));
    return failures(changes, answers.iterator());
  }

  private static boolean isPut(Change change) {
    return switch (change) {
      case Change.PutService _, Change.PutDestination _ -> true;
      case Change.DeleteService _, Change.DeleteDestination _ -> false;
    };
  }

  /**
   * What has failed.
   *
   * @param answers one to each deletion, two to all that is put
   */
  static List<Failure> failures(List<Change> changes, Iterator<Acknowledged> answers) {
    var failures = new ArrayList<Failure>();
    for (var change : changes) {
      var answer = answers.next();
      boolean absent = isAbsent(change, answer.errno());
      if (isPut(change)) {
        var added = answers.next();
        answer = absent ? added : answer;
        absent = false;
      }
      if (answer.errno() != 0 && !absent) {
        failures.add(new Failure(change, explain(answer, meaning(change, answer.errno()))));
      }
    }
    return List.copyOf(failures);
  }

  /**
   * Whether there is nothing to be changed or deleted. Of a service ENOENT is about its scheduler;
   * of a destination ESRCH is about its service.
   */
  private static boolean isAbsent(Change change, int errno) {
    return switch (change) {
      case Change.PutService _ -> errno == Errno.ESRCH;
      case Change.PutDestination _ -> errno == Errno.ENOENT;
      case Change.DeleteService _ -> errno == Errno.ESRCH || errno == Errno.EAFNOSUPPORT;
      case Change.DeleteDestination _ ->
          errno == Errno.ENOENT || errno == Errno.ESRCH || errno == Errno.EAFNOSUPPORT;
    };
  }

  private static String meaning(Change change, int errno) {
    return switch (errno) {
      case Errno.ENOENT ->
          change instanceof Change.PutService(var service)
              ? "no such scheduler: load its module, modprobe ip_vs_" + service.scheduler()
              : general(errno);
      case Errno.ESRCH -> "no such virtual service: it was refused, or deleted by another program";
      case Errno.EEXIST -> "another program has just added the same: try again";
      case Errno.EINVAL ->
          change instanceof Change.PutDestination
              ? "not the address of a server, or one of the other family, which needs Tunnel and no"
                  + " connection synchronisation"
              : general(errno);
      default -> general(errno);
    };
  }

  private static String general(int errno) {
    return switch (errno) {
      case Errno.EPERM ->
          "not allowed: give the agent the capability NET_ADMIN, of the node and not only of a user"
              + " namespace";
      case Errno.EAFNOSUPPORT ->
          "IPVS has no IPv6 here: boot without ipv6.disable=1, or take a kernel with"
              + " CONFIG_IP_VS_IPV6";
      case Errno.EINVAL -> "the kernel takes no such value";
      case Errno.ENOMEM, Errno.ENOBUFS -> "the kernel is out of memory";
      case Errno.ENOPROTOOPT -> "ip_vs is being unloaded: load it again, modprobe ip_vs";
      default -> "the kernel refused";
    };
  }

  private static String explain(Acknowledged answer, String meaning) {
    var text = Errno.name(answer.errno()) + ": " + meaning;
    return answer.text().isEmpty() ? text : text + " (" + answer.text() + ")";
  }

  @Override
  public synchronized Set<SyncDaemon> syncDaemons() throws IOException {
    return ask(IpvsRequests::dumpDaemons, IpvsMessage.Daemon.class).stream()
        .map(IpvsMessage.Daemon::daemon)
        .collect(Collectors.toUnmodifiableSet());
  }

  @Override
  public synchronized void start(SyncDaemon daemon) throws IOException {
    var answer = acknowledged((out, number) -> out.start(number, daemon));
    if (answer.errno() == 0 || answer.errno() == Errno.EEXIST && syncDaemons().contains(daemon)) {
      return;
    }
    var meaning =
        switch (answer.errno()) {
          case Errno.EEXIST ->
              "another one of this role runs: stop it, ipvsadm --stop-daemon "
                  + daemon.role().name().toLowerCase(Locale.ROOT);
          case Errno.ENODEV -> "no such interface";
          case Errno.ENETUNREACH -> "the interface is down: set it up";
          case Errno.EINVAL ->
              "a virtual service has servers of the other address family, which cannot be"
                  + " synchronised";
          default -> general(answer.errno());
        };
    throw new IOException("%s not started: %s".formatted(daemon, explain(answer, meaning)));
  }

  @Override
  public synchronized void stop(SyncRole role) throws IOException {
    var answer = acknowledged((out, number) -> out.stop(number, role));
    if (answer.errno() != 0 && answer.errno() != Errno.ESRCH) {
      throw new IOException(
          "SyncDaemon %s not stopped: %s"
              .formatted(role, explain(answer, general(answer.errno()))));
    }
  }

  @Override
  public synchronized ConnectionTimeouts timeouts() throws IOException {
    return ask(IpvsRequests::timeouts, IpvsMessage.Timeouts.class).stream()
        .findFirst()
        .orElseThrow(() -> new IOException("IPVS told no timeouts"))
        .timeouts();
  }

  @Override
  public synchronized void setTimeouts(ConnectionTimeouts timeouts) throws IOException {
    var answer = acknowledged((out, number) -> out.setTimeouts(number, timeouts));
    if (answer.errno() != 0) {
      throw new IOException(
          "%s not set: %s".formatted(timeouts, explain(answer, general(answer.errno()))));
    }
  }

  /** Closes the socket. Services and daemons stay. */
  @Override
  public synchronized void close() {
    exchange.close();
  }
}
