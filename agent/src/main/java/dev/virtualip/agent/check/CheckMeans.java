package dev.virtualip.agent.check;

import java.nio.file.Path;

/**
 * What checks use of the agent.
 *
 * @param pods answers pod checks; null without an API server: then they fail
 * @param scripts directory of the commands that checks may run; null for none: then they fail
 * @param ping answers ping checks
 * @param connections held to what http and tcp checks watch
 * @param exits of processes that checks watch
 */
public record CheckMeans(
    PodReadiness pods, Path scripts, Ping ping, IdleConnections connections, Exits exits) {}
