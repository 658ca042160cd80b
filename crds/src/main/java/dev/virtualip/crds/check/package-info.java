/**
 * Checks VirtualIPs: turns the texts of a spec into values or problems, and finds conflicts between
 * VirtualIPs.
 */
package dev.virtualip.crds.check;
