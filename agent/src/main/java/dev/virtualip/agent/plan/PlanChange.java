package dev.virtualip.agent.plan;

import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The difference between two decisions of a {@link Plan}.
 *
 * @param run VirtualIPs to run that are new or changed, by name
 * @param stop names of VirtualIPs that the node no longer runs, as they are gone
 * @param leave names of VirtualIPs that the node no longer runs, and other nodes may
 * @param refused VirtualIPs that the node cannot run in any version and that are new or changed, by
 *     name
 * @param forget names of VirtualIPs that the node neither runs nor refuses any more
 * @param realServerSides what the node accepts as a real server: all of it, or null if that has not
 *     changed
 */
public record PlanChange(
    Map<String, Run> run,
    Set<String> stop,
    Set<String> leave,
    Map<String, Refused> refused,
    Set<String> forget,
    List<RealServerSide> realServerSides) {

  /** Copies the collections, sorted: work done in their order has to be the same each time. */
  public PlanChange {
    run = Collections.unmodifiableMap(new TreeMap<>(run));
    stop = Collections.unmodifiableSet(new TreeSet<>(stop));
    leave = Collections.unmodifiableSet(new TreeSet<>(leave));
    refused = Collections.unmodifiableMap(new TreeMap<>(refused));
    forget = Collections.unmodifiableSet(new TreeSet<>(forget));
  }

  /**
   * A VirtualIP to run.
   *
   * @param config configuration of the version to run
   * @param refused problems of its newest version; null if that is the version to run
   * @param handOver request to this node to hand over, or null
   */
  public record Run(InstanceConfig config, Refused refused, HandOver handOver) {}

  /**
   * A version that cannot be run.
   *
   * @param generation its generation, or null if it is not known
   * @param problems what is wrong with it; not empty
   */
  public record Refused(Long generation, List<Problem> problems) {
    /** Copies the list. */
    public Refused {
      problems = List.copyOf(problems);
    }
  }

  /** Whether there is nothing to do. */
  public boolean isEmpty() {
    return run.isEmpty()
        && stop.isEmpty()
        && leave.isEmpty()
        && refused.isEmpty()
        && forget.isEmpty()
        && realServerSides == null;
  }
}
