/** A small model that visibly teaches itself, and the truth to hold it against. */
package org.autodidact.demo;
