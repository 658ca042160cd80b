package dev.virtualip.agent.loop;

import dev.virtualip.agent.disk.MasterRecord;
import dev.virtualip.agent.instance.Input;
import dev.virtualip.agent.instance.Node;
import dev.virtualip.agent.instance.NodeMachine;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread, the queue and the clock of a {@link NodeMachine}. Everything that happens arrives
 * through its queue. Binding and announcing are done on its thread; slower work is passed on.
 */
public final class VirtualRouterLoop implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(VirtualRouterLoop.class);

  /** Longest time between two turns, so that a hung loop shows. Nanoseconds. */
  static final long TICK = 1_000_000_000L;

  /** Bounds the memory that a flood of packets can fill. */
  private static final int QUEUE_MAX = 4_096;

  /** Longest time of work between two looks at what masters have to send. Nanoseconds. */
  private static final long PART = 2_000_000L;

  /**
   * An input and its time of arrival.
   *
   * @param input null to only wake the loop so that it stops
   * @param at System.nanoTime of the arrival
   */
  private record Arrival(Input input, long at) {
    Arrival(Input input) {
      this(input, System.nanoTime());
    }
  }

  private final BlockingQueue<Arrival> inputs = new LinkedBlockingQueue<>(QUEUE_MAX);
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final Node node;
  private final NodeMachine machine;

  /** When masters' deadlines were met last. Used by the loop's thread only. */
  private long lookedAt;

  private volatile long turnedAt = System.nanoTime();
  private volatile boolean configured;
  private volatile boolean stopping;

  /**
   * A loop to be run by a thread of its own.
   *
   * @param earlier what this node was master of when an earlier life of the agent ended
   * @param services keys of the virtual services that an earlier life may have put
   */
  public VirtualRouterLoop(
      Map<String, MasterRecord.Master> earlier,
      Set<ServiceKey> services,
      Node node,
      NodeMachine.Listener listener) {
    this.node = node;
    machine = new NodeMachine(earlier, services, node, listener);
  }

  /** Adds a frame; when the queue is full it is dropped, as a network might do. Never waits. */
  public void offerFrame(int linkIndex, byte[] frame) {
    if (!inputs.offer(new Arrival(new Input.FrameReceived(linkIndex, frame)))) {
      node.metrics().rejected("", "Flood");
    }
  }

  /** Adds an input unless the queue is full; never waits. */
  public boolean offer(Input input) {
    return inputs.offer(new Arrival(input));
  }

  /** Adds any other input; waits while the queue is full. */
  public void put(Input input) {
    try {
      inputs.put(new Arrival(input));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Status of each VirtualIP that this node runs or refuses, by name. Callable from any thread. */
  public Map<String, NodeStatus> statuses() {
    return machine.statuses();
  }

  /** Whether the loop has begun a turn within the last 5 s. */
  public boolean alive() {
    return System.nanoTime() - turnedAt < 5 * TICK;
  }

  /** Whether the first plan has been carried out. */
  public boolean configured() {
    return configured;
  }

  /**
   * Ends the loop; masters resign to their peers.
   *
   * @param timeoutMillis how long to wait for that
   */
  public void stop(long timeoutMillis) {
    stopping = true;
    inputs.offer(new Arrival(null));
    try {
      if (!stopped.await(timeoutMillis, TimeUnit.MILLISECONDS)) {
        LOG.error("hand_over_incomplete leases=will_end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void run() {
    try {
      machine.start();
      while (!stopping) {
        turn();
      }
      machine.quit(System.nanoTime());
      while (!machine.hasQuit()) {
        turn();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      // Even after a defect of the loop itself all masters hand over before the agent ends.
      end();
    }
  }

  private void end() {
    try {
      machine.stop(System.nanoTime());
    } finally {
      node.ports().close();
      stopped.countDown();
    }
  }

  private void turn() throws InterruptedException {
    long now = System.nanoTime();
    turnedAt = now;
    long wait = Math.min(machine.deadline() - now, TICK);
    var arrival = inputs.poll(Math.max(0, wait), TimeUnit.NANOSECONDS);
    long began = System.nanoTime();
    // All that has arrived: a backup whose timer ends must not overlook an advert that waits here.
    // What comes meanwhile is for the next turn, so that a flood holds up no deadline.
    int waiting = inputs.size();
    dueForMasters();
    for (int i = 0; arrival != null; i++) {
      if (arrival.input() != null) {
        handle(arrival);
      }
      dueForMastersAgain();
      arrival = i < waiting ? inputs.poll() : null;
    }
    var name = "";
    while ((name = machine.dueForOne(name, began, System.nanoTime())) != null) {
      dueForMastersAgain();
    }
    machine.begin(System.nanoTime());
    configured = machine.configured();
    node.metrics().turned(System.nanoTime() - began);
  }

  private void dueForMasters() {
    var name = "";
    while ((name = machine.dueForMaster(name, System.nanoTime())) != null) {}
    lookedAt = System.nanoTime();
  }

  private void dueForMastersAgain() {
    if (System.nanoTime() - lookedAt > PART) {
      dueForMasters();
    }
  }

  private void handle(Arrival arrival) {
    node.stopwatch().since(arrival.at(), () -> machine.handle(arrival.input(), System.nanoTime()));
  }
}
