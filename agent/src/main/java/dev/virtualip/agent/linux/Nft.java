package dev.virtualip.agent.linux;

import dev.virtualip.agent.net.NatPort;
import dev.virtualip.agent.net.SourceNat;
import dev.virtualip.crds.values.IpPrefix;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ObjIntConsumer;

/**
 * nftables of the network namespace of whoever calls first, through one socket of nfnetlink. All of
 * it needs NET_ADMIN. Used by one thread.
 */
public final class Nft implements NatPort {
  /** Most pods of a table: all of it has to fit into one message. */
  static final int PODS_MAX = 4096;

  /** Pods in one request, whose length has 16 bits. */
  private static final int PODS_AT_ONCE = 1000;

  /** All of a table, with the longest name, needs less than 512 times so much. */
  private static final int REQUEST_BYTES = 400;

  private static final String NOT_THERE =
      "the kernel has no nftables with source NAT: load its modules, modprobe -a nf_tables"
          + " nft_chain_nat nft_nat nft_fib_ipv4 nft_fib_ipv6";

  /** Null as long as the kernel gives no socket. */
  private NetlinkExchange<NftRequests> exchange;

  private interface Step extends ObjIntConsumer<NftRequests> {}

  private NetlinkExchange<NftRequests> exchange() throws IOException {
    if (exchange == null) {
      exchange = new NetlinkExchange<>(NetlinkProtocol.NETFILTER, NftRequests::new, REQUEST_BYTES);
    }
    return exchange;
  }

  @Override
  public Map<Table, Integer> tables() throws IOException {
    try {
      var tables = new HashMap<Table, Integer>();
      for (var table : named()) {
        tables.put(table, countRules(table));
      }
      return tables;
    } catch (ErrnoException e) {
      // What the kernel says of a subsystem that it does not have.
      boolean absent = e.errno() == Errno.EINVAL || e.errno() == Errno.EPROTONOSUPPORT;
      throw new IOException(absent ? NOT_THERE : explain(e.errno(), ""), e);
    }
  }

  private Set<Table> named() throws IOException {
    var named = new HashSet<Table>();
    for (boolean ipv6 : new boolean[] {false, true}) {
      named.addAll(
          ask(
              (out, number) -> out.dumpTables(number, ipv6),
              body ->
                  body instanceof NftMessage.TableState(var table)
                          && table.name().startsWith(PREFIX)
                      ? Optional.of(table)
                      : Optional.empty()));
    }
    return named;
  }

  private int countRules(Table table) throws IOException {
    return ask(
            (out, number) -> out.dumpRules(number, table),
            body ->
                body instanceof NftMessage.RuleState(var found) && found.equals(table)
                    ? Optional.of(found)
                    : Optional.empty())
        .size();
  }

  private <T> List<T> ask(
      ObjIntConsumer<NftRequests> request, Function<NetlinkMessage.Body, Optional<T>> wanted)
      throws IOException {
    return exchange().ask(request, wanted);
  }

  @Override
  public int rules(SourceNat nat) {
    return NftRequests.rules(nat);
  }

  @Override
  public void put(SourceNat nat, Duration lease) throws IOException {
    if (nat.pods().size() > PODS_MAX) {
      throw new IOException(
          "%d pods are more than %d: choose fewer by their labels, or use sources"
              .formatted(nat.pods().size(), PODS_MAX));
    }
    var table = Table.of(nat);
    var steps = new ArrayList<Step>();
    // Deleting what is not there would be refused.
    steps.add((out, number) -> out.addTable(number, table));
    steps.add((out, number) -> out.deleteTable(number, table));
    steps.add((out, number) -> out.addTable(number, table));
    steps.add((out, number) -> out.addChain(number, table));
    steps.add((out, number) -> out.addHeld(number, table));
    steps.add((out, number) -> out.hold(number, table, nat.interfaceName(), lease));
    steps.add((out, number) -> out.addPods(number, table));
    for (var part : parts(nat.pods())) {
      steps.add((out, number) -> out.addPods(number, table, part));
    }
    steps.addAll(rules(nat, table));
    transact("put " + table.name(), steps);
  }

  private static List<Step> rules(SourceNat nat, Table table) {
    var rules = new ArrayList<Step>();
    rules.add((out, number) -> out.passOtherNics(number, table));
    rules.add((out, number) -> out.passOwn(number, table));
    for (var destination : nat.except()) {
      rules.add((out, number) -> out.passTo(number, table, destination));
    }
    rules.add((out, number) -> out.translatePods(number, nat));
    for (var source : nat.sources()) {
      rules.add((out, number) -> out.translate(number, nat, source));
    }
    return rules;
  }

  private static List<List<InetAddress>> parts(Set<InetAddress> pods) {
    var sorted = pods.stream().sorted(Comparator.comparing(IpPrefix::text)).toList();
    var parts = new ArrayList<List<InetAddress>>();
    for (int from = 0; from < sorted.size(); from += PODS_AT_ONCE) {
      parts.add(sorted.subList(from, Math.min(from + PODS_AT_ONCE, sorted.size())));
    }
    return parts;
  }

  @Override
  public void renew(SourceNat nat, Duration lease) throws IOException {
    var table = Table.of(nat);
    transact(
        "renew " + table.name(),
        List.of(
            (out, number) -> out.release(number, table),
            (out, number) -> out.hold(number, table, nat.interfaceName(), lease)));
  }

  @Override
  public void delete(Table table) throws IOException {
    transact("delete " + table.name(), List.of((out, number) -> out.deleteTable(number, table)));
  }

  private void transact(String what, List<Step> steps) throws IOException {
    var refused =
        exchange()
            .transaction(
                steps.size(),
                NftRequests::batchBegin,
                (out, i, number) -> steps.get(i).accept(out, number),
                NftRequests::batchEnd);
    if (refused.isPresent()) {
      var answer = refused.get();
      throw new IOException(what + ": " + explain(answer.errno(), answer.text()));
    }
  }

  private static String explain(int errno, String text) {
    var meaning =
        switch (errno) {
          case Errno.EPERM -> "not allowed: give the agent the capability NET_ADMIN";
          case Errno.ENOENT, Errno.EOPNOTSUPP, Errno.EAFNOSUPPORT -> NOT_THERE;
          case Errno.ENOMEM, Errno.ENOBUFS -> "the kernel is out of memory";
          default -> "the kernel refused";
        };
    var explained = Errno.name(errno) + ": " + meaning;
    return text.isEmpty() ? explained : explained + " (" + text + ")";
  }

  /** Closes the socket. Tables act until their leases end. */
  @Override
  public void close() {
    if (exchange != null) {
      exchange.close();
    }
  }
}
