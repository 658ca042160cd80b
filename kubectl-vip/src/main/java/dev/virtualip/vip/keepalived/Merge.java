package dev.virtualip.vip.keepalived;

import dev.virtualip.vip.keepalived.Fields.Value;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * Makes one virtual router of those that several hosts have. What may differ by node becomes an
 * override; a difference in anything else is an error, and the first host's value stays.
 */
final class Merge {
  /** What a node may have for itself, or what is put together in another way. */
  private static final Set<String> OWN =
      Set.of("priority", "interface", "initialState", "preempt", "transport", "nodes");

  private final List<String> hosts;
  private final Map<String, String> addresses;
  private final boolean join;
  private final Report report;

  /** One virtual router, with that of each host that has it. */
  private final List<Map<String, Router>> merged = new ArrayList<>();

  private Merge(List<String> hosts, Map<String, String> addresses, boolean join, Report report) {
    this.hosts = hosts;
    this.addresses = addresses;
    this.join = join;
    this.report = report;
  }

  /**
   * Merges the routers of all hosts.
   *
   * @param hosts the routers of each, by the names of the nodes; the one name is empty if there is
   *     only one host, that has no name
   * @param addresses own addresses of hosts in unicast, where they were given
   * @param join whether other nodes join the hosts, instead of becoming what they are
   */
  static List<Router> merge(
      Map<String, List<Router>> hosts, Map<String, String> addresses, boolean join, Report report) {
    var merge = new Merge(List.copyOf(hosts.keySet()), addresses, join, report);
    hosts.forEach((host, routers) -> routers.forEach(router -> merge.add(host, router, routers)));
    return merge.merged.stream().map(merge::one).toList();
  }

  private void add(String host, Router router, List<Router> siblings) {
    var same =
        merged.stream()
            .filter(one -> !one.containsKey(host))
            .filter(one -> first(one).name().equals(router.name()))
            .findFirst()
            .or(() -> alike(host, router, siblings));
    if (same.isPresent()) {
      if (!first(same.get()).name().equals(router.name())) {
        report.translated(
            router.instance(),
            "is %s of %s, by its VRID"
                .formatted(first(same.get()).name(), first(same.get()).instance().place()));
      }
      same.get().put(host, router);
    } else {
      merged.add(new LinkedHashMap<>(Map.of(host, router)));
    }
  }

  /** The one with the same VRID and family, if its name tells nothing else. */
  private Optional<Map<String, Router>> alike(String host, Router router, List<Router> siblings) {
    return merged.stream()
        .filter(one -> !one.containsKey(host))
        .filter(one -> siblings.stream().noneMatch(s -> s.name().equals(first(one).name())))
        .filter(one -> Objects.equals(first(one).spec().text("vrid"), router.spec().text("vrid")))
        .filter(one -> first(one).isIpv6() == router.isIpv6())
        .findFirst();
  }

  private static Router first(Map<String, Router> routers) {
    return routers.values().iterator().next();
  }

  private Router one(Map<String, Router> routers) {
    var first = first(routers);
    routers.values().stream().skip(1).forEach(other -> compare(first, other));
    routers.values().stream()
        .map(router -> router.spec().get("initialState"))
        .filter(Objects::nonNull)
        .findFirst()
        .ifPresent(state -> first.spec().values().put("initialState", state));
    preemption(routers, first);
    unicast(routers, first);
    if (join) {
      new Join(routers.values(), report).below(first);
    } else if (hosts.size() > 1 || !hosts.getFirst().isEmpty()) {
      nodes(routers, first);
    }
    return first;
  }

  /** Who has the highest priority is who preempts, or does not. */
  private void preemption(Map<String, Router> routers, Router first) {
    var highest =
        routers.values().stream().max(Comparator.comparing(Merge::priority)).orElse(first);
    var preempt = highest.spec().get("preempt");
    for (var router : routers.values()) {
      var own = router.spec().get("preempt");
      if (own != null && (preempt == null || !own.plain().equals(preempt.plain()))) {
        own.sources()
            .forEach(
                from ->
                    report.approximated(
                        from,
                        "preemption is that of the highest priority, at "
                            + highest.instance().place()));
      }
    }
    first.spec().values().remove("preempt");
    if (preempt != null) {
      first.spec().values().put("preempt", preempt);
    }
  }

  private void compare(Router first, Router other) {
    subject(first, other);
    var names = new LinkedHashSet<>(first.spec().values().keySet());
    names.addAll(other.spec().values().keySet());
    names.removeAll(OWN);
    for (var name : names) {
      compare(name, first.spec().get(name), other.spec().get(name), first, other);
    }
    if (first.signed() != null
        && other.signed() != null
        && !first.signed().keys().equals(other.signed().keys())) {
      differ("set of keys", first.signed().block(), other.signed().block());
    }
    if (!Objects.equals(password(first), password(other))) {
      differ(
          "password",
          first.password() == null ? first.instance() : first.password(),
          other.password() == null ? other.instance() : other.password());
    }
  }

  static String password(Router router) {
    if (router.password() == null) {
      return null;
    }
    var text = router.password().argument(1);
    return text.substring(0, Math.min(text.length(), 8));
  }

  /** keepalived's hosts have names of their own in the subjects of mails; nodes have theirs. */
  private void subject(Router first, Router other) {
    var a = email(first);
    var b = email(other);
    if (a == null || b == null || Objects.equals(a.text("routerId"), b.text("routerId"))) {
      return;
    }
    for (var email : List.of(a, b)) {
      var id = email.values().remove("routerId");
      if (id != null) {
        report.approximated(id.from(), "mails have the name of the node in their subject");
      }
    }
  }

  private static Fields email(Router router) {
    var notifications = router.spec().get("notifications");
    var email = notifications == null ? null : ((Fields) notifications.content()).get("email");
    return email == null ? null : (Fields) email.content();
  }

  private void compare(String path, Value a, Value b, Router first, Router other) {
    if (a != null && b != null && a.plain().equals(b.plain())) {
      return;
    }
    if (a != null
        && b != null
        && a.content() instanceof Fields fields
        && b.content() instanceof Fields others) {
      var names = new LinkedHashSet<>(fields.values().keySet());
      names.addAll(others.values().keySet());
      names.forEach(
          name -> compare(path + "." + name, fields.get(name), others.get(name), first, other));
    } else if (a != null
        && b != null
        && a.items().size() == b.items().size()
        && a.items().size() > 0) {
      var others = inOrderOf(a.items(), b.items());
      for (int i = 0; i < others.size(); i++) {
        compare(path + "[" + i + "]", a.items().get(i), others.get(i), first, other);
      }
    } else {
      differ(path, from(a, first), from(b, other));
    }
  }

  /** The other items in the order of the first, by what names them; the rest in their own. */
  private static List<Value> inOrderOf(List<Value> first, List<Value> other) {
    var rest = new ArrayList<>(other);
    var ordered = new ArrayList<Value>();
    for (var item : first) {
      var same = rest.stream().filter(one -> key(one).equals(key(item))).findFirst().orElse(null);
      ordered.add(same);
      rest.remove(same);
    }
    ordered.replaceAll(item -> item == null ? rest.removeFirst() : item);
    return ordered;
  }

  /** What names an item among others; that of a word is itself only, as in a command. */
  private static Object key(Value item) {
    if (!(item.content() instanceof Fields fields)) {
      return "";
    }
    return fields.get("address") != null
        ? fields.text("address") + " " + fields.text("port")
        : fields.get("name") != null ? fields.text("name") : fields.plain();
  }

  private static Directive from(Value value, Router router) {
    return value == null || value.from() == null ? router.instance() : value.from();
  }

  private void differ(String what, Directive first, Directive other) {
    report.error(
        "%s (%s) and %s (%s) differ, and a VirtualIP has one %s for all nodes; it has the first"
            .formatted(first.place(), first.text(), other.place(), other.text(), what));
    report.claim(
        other,
        Report.Outcome.NotSupported,
        "differs from %s: one %s for all nodes".formatted(first.place(), what));
  }

  private void nodes(Map<String, Router> routers, Router first) {
    var nodes = first.spec().in("nodes", first.instance());
    var selector = nodes.in("selector", null);
    hosts.stream()
        .filter(host -> !routers.containsKey(host))
        .forEach(
            host ->
                report.note(
                    first.instance(),
                    host + " has no such instance, so nodes.selector leaves it out"));
    if (routers.size() == 1) {
      selector
          .in("matchLabels", null)
          .put("kubernetes.io/hostname", routers.keySet().iterator().next(), first.instance());
    } else {
      var any = new Fields().put("key", "kubernetes.io/hostname", null).put("operator", "In", null);
      routers.forEach((host, router) -> any.add("values", host, router.instance()));
      selector.add("matchExpressions", any, null);
    }
    routers.forEach(
        (host, router) -> {
          var override = new Fields().put("name", host, router.instance());
          for (var field : List.of("priority", "interface")) {
            var own = router.spec().get(field);
            if (own != null && !own.content().equals(plain(first, field))) {
              override.put(field, own.content(), own.from());
            }
          }
          if (override.values().size() > 1) {
            nodes.add("overrides", override, router.instance());
          }
        });
  }

  static int priority(Router router) {
    return (Integer) plain(router, "priority");
  }

  private static Object plain(Router router, String field) {
    var value = router.spec().get(field);
    // keepalived and the API take the same priority where none is given.
    return value == null ? (Object) (field.equals("priority") ? 100 : "") : value.content();
  }

  /** One list of all routers for all nodes: their own addresses and those of their peers. */
  private void unicast(Map<String, Router> routers, Router first) {
    var all = new LinkedHashMap<String, Directive>();
    routers.forEach(
        (host, router) -> {
          if (addresses.containsKey(host) && !router.peers().isEmpty()) {
            all.put(addresses.get(host), router.peers().getFirst());
          }
          if (router.source() != null && !router.peers().isEmpty()) {
            all.putIfAbsent(router.source().argument(1), router.source());
            report.translated(router.source(), "one of the peers");
          }
          router.peers().forEach(peer -> all.putIfAbsent(peer.keyword(), peer));
        });
    routers.values().forEach(router -> hops(router, first));
    boolean complete = true;
    for (var entry : routers.entrySet()) {
      complete &= isListed(entry.getKey(), entry.getValue(), all.keySet());
    }
    if (complete && !all.isEmpty()) {
      var transport =
          first
              .spec()
              .in(
                  "transport",
                  first.peers().isEmpty() ? first.instance() : first.peers().getFirst());
      all.forEach((address, from) -> transport.add("peers", address, from));
    }
  }

  /** The least one of all hosts lets all of them in. */
  private static void hops(Router router, Router first) {
    var own = minTtl(router);
    var least = minTtl(first);
    if (own != null && (least == null || (Integer) own.content() < (Integer) least.content())) {
      first.spec().in("transport", own.from()).values().put("minTtl", own);
    }
  }

  private static Value minTtl(Router router) {
    var transport = router.spec().get("transport");
    return transport == null ? null : transport.inner("minTtl");
  }

  private boolean isListed(String host, Router router, Set<String> all) {
    if (router.peers().isEmpty()) {
      if (router.source() != null) {
        report.notSupported(
            router.source(), "there are no peers; the NIC's first address is the source");
      }
      return true;
    }
    long others = router.peers().stream().map(Directive::keyword).distinct().count();
    if (router.source() != null || addresses.containsKey(host) || all.size() == others + 1) {
      return true;
    }
    router
        .peers()
        .forEach(
            peer ->
                report.notSupported(
                    peer,
                    "the list has to have this host's own address, which the file does not tell:"
                        + " say --address "
                        + (host.isEmpty() ? "" : host + "=")
                        + "ADDRESS; the nodes' InternalIPs are the peers otherwise"));
    return false;
  }
}
