/** Writes the decisions into the cluster, and reports them. {@code ClusterWriter} is the entry. */
package dev.virtualip.operator.act;
