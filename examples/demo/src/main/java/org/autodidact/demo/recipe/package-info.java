/** The recipe of the demo's model and data. */
package org.autodidact.demo.recipe;
