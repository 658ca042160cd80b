package dev.virtualip.vip.tell;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PriorityTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {} | 80 (spec.nodes.overrides) | 80
          {spec: {nodes: {overrides: []}}, status: {nodes: {node-b: {priority: 10}}}} | 10 (spec.priority) | 10
          {status: {nodes: {node-b: {priority: null}}}} | none yet | -
          {status: {nodes: {node-b: {priority: 1}}, handOvers: {node-b: {priority: 1, reason: Drain(cordoned)}}}} | 1, asked to hand over: Drain(cordoned); else 80 (spec.nodes.overrides) | 1: Drain(cordoned)
          {spec: {whenAllFail: KeepMaster}, status: {nodes: {node-b: {priority: 1, message: 'check nginx: x; priority 1 until checks are good (whenAllFail: KeepMaster)'}}}} | 1, its checks fail (whenAllFail: KeepMaster); else 80 (spec.nodes.overrides) | 1 of 80
          {spec: {healthChecks: [{name: disk, tcp: {port: 1}, weight: -30}, {name: up, tcp: {port: 2}, weight: 5}]}, status: {nodes: {node-b: {priority: 55, message: 'check disk: connect refused'}}}} | 55 = 80 (spec.nodes.overrides) - 30 (check disk fails) + 5 (check up) | 55 of 80
          {spec: {trackInterfaces: [{name: eth2, weight: 20}]}, status: {nodes: {node-b: {priority: 100}}}} | 100 = 80 (spec.nodes.overrides) + 20 (NIC eth2) | 100 of 80
          {spec: {trackInterfaces: [{name: eth2, weight: 20}]}} | 80, of 80 (spec.nodes.overrides); a NIC, a session of BFD or a reversed check makes the difference | 80
          {spec: {syncGroup: g, trackInterfaces: [{name: eth2, weight: 20}]}} | 80 (spec.nodes.overrides) | 80
          """)
  void thePriorityOfNodeB(String patch, String why, String brief) {
    var vip = Web.vip(patch);
    var report = Reports.of(vip).get("node-b");
    assertEquals(why, Priority.why(vip, "node-b", report));
    assertEquals(brief, Priority.brief(vip, "node-b", report));
  }
}
