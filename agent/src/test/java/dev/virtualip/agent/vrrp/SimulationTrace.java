package dev.virtualip.agent.vrrp;

import java.util.function.Consumer;

/** What happened in a simulation, in lines for whoever replays it; dropped if nobody does. */
final class SimulationTrace {
  private final SimulatedTime time;
  private final Consumer<String> lines;

  /** Without a consumer nothing is written. */
  SimulationTrace(SimulatedTime time, Consumer<String> lines) {
    this.time = time;
    this.lines = lines;
  }

  void line(SimulatedNode node, String text) {
    if (lines != null) {
      lines.accept(
          "%12.6f node %d (priority %d, %s) %s"
              .formatted(
                  time.now() / 1e9, node.id, node.priority, node.source.getHostAddress(), text));
    }
  }

  void line(String text) {
    if (lines != null) {
      lines.accept("%12.6f %s".formatted(time.now() / 1e9, text));
    }
  }
}
