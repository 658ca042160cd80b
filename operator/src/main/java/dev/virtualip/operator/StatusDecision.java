package dev.virtualip.operator;

import dev.virtualip.crds.VirtualIpStatus.HandOver;
import dev.virtualip.crds.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.VirtualIpStatus.SwitchOver;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The operator's part of a VirtualIP's status.
 *
 * @param conditions all conditions, with times
 * @param master the node that is, or null
 * @param backups how many would take over
 * @param unknown what is written in place of what silent agents have said, by node
 * @param gone nodes whose reports are removed
 * @param handOvers what nodes are asked to do
 * @param switchOver what became of a request, or null without one
 */
record StatusDecision(
    List<Condition> conditions,
    String master,
    int backups,
    Map<String, NodeStatus> unknown,
    Set<String> gone,
    Map<String, HandOver> handOvers,
    SwitchOver switchOver) {}
