package dev.virtualip.agent.net;

import dev.virtualip.crds.values.InterfaceSelector;
import dev.virtualip.crds.values.IpPrefix;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The node's NICs and their addresses without virtualip's: the one place that resolves an {@link
 * InterfaceSelector}. Immutable; usable by any thread.
 */
public final class Nics {
  private final List<Link> links;
  private final Map<Integer, List<IpPrefix>> addresses;

  /** Results by selector: each received advert needs one. */
  private final Map<String, Optional<Link>> meant = new ConcurrentHashMap<>();

  /**
   * @param addresses the links' own addresses, without virtualip's, by index of the link
   */
  Nics(Collection<Link> links, Map<Integer, List<IpPrefix>> addresses) {
    this.links = List.copyOf(links);
    this.addresses = Map.copyOf(addresses);
  }

  /**
   * The link that an {@link InterfaceSelector} selects, or null. If it selects several, the first
   * by name that is up, else the first by name. Altnames count where no NIC has such a name.
   */
  public Link link(String selector) {
    return meant.computeIfAbsent(selector, this::find).orElse(null);
  }

  private Optional<Link> find(String selector) {
    var wanted = new InterfaceSelector(selector);
    return first(link -> wanted.matches(link.name(), wanted.isName() ? List.of() : own(link)))
        .or(
            () ->
                first(
                    link ->
                        link.altNames().stream()
                            .anyMatch(altName -> wanted.matches(altName, List.of()))));
  }

  private Optional<Link> first(Predicate<Link> meant) {
    return links.stream()
        .filter(meant)
        .min(Comparator.comparing((Link link) -> !link.up()).thenComparing(Link::name));
  }

  private List<IpPrefix> own(Link link) {
    return addresses.getOrDefault(link.index(), List.of());
  }

  /**
   * Name of the link that an {@link InterfaceSelector} selects, or the selector itself if there is
   * none.
   */
  public String name(String selector) {
    var link = link(selector);
    return link == null ? selector : link.name();
  }

  /** Names of all links for messages, altnames too: as in {@code eth0, eth1 (altname enp7s0)}. */
  public String names() {
    return links.stream()
        .sorted(Comparator.comparing(Link::name))
        .map(Nics::names)
        .collect(Collectors.joining(", "));
  }

  private static String names(Link link) {
    return link.altNames().isEmpty()
        ? link.name()
        : link.name() + " (altname " + String.join(", ", link.altNames()) + ")";
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Nics that
        && links.equals(that.links)
        && addresses.equals(that.addresses);
  }

  @Override
  public int hashCode() {
    return 31 * links.hashCode() + addresses.hashCode();
  }
}
