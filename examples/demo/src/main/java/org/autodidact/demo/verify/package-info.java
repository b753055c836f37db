/** The truth about answers, which training never sees. */
package org.autodidact.demo.verify;
