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
 * What a node has to do otherwise than it was told before.
 *
 * @param run VirtualIPs that it runs and that are new or changed, by name
 * @param stop VirtualIPs that it runs no more, as they are gone
 * @param leave VirtualIPs that it runs no more, and other nodes may
 * @param refused VirtualIPs that it cannot run in any version and that are new or changed, by name
 * @param forget VirtualIPs that it has nothing to do with any more
 */
public record PlanChange(
    Map<String, Run> run,
    Set<String> stop,
    Set<String> leave,
    Map<String, Refused> refused,
    Set<String> forget) {

  /** Copies the collections, sorted: what is done in their order has to be the same each time. */
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
   * @param config in which version
   * @param refused what is wrong with its newest version; null if that is the one that runs
   * @param handOver what this node is asked to do, or null
   */
  public record Run(InstanceConfig config, Refused refused, HandOver handOver) {}

  /**
   * A version that cannot be run.
   *
   * @param generation its generation, null if it is not known
   * @param problems what is wrong with it
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
        && forget.isEmpty();
  }
}
