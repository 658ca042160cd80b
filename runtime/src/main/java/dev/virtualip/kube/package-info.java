/** Additions to the Kubernetes client that operator and agents share. */
package dev.virtualip.kube;
