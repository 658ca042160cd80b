/** Makes the cluster what was decided, and tells it; {@code ClusterWriter} alone is asked to. */
package dev.virtualip.operator.act;
