/* Ages in texts, in months: the age that a request names, and the least age that a product is for. */
#ifndef SHOP_RECOMMEND_AGE_H
#define SHOP_RECOMMEND_AGE_H

#include <stdbool.h>
#include <stddef.h>

/* Reads the lowest age that a request in lower case names: "for a 3 year old", 三岁小孩, "2 and a half years old".
 * child: it names a child, so that "18 months" and "is 3" are ages as well. False if it names none. */
bool shop_read_age(const char *text, size_t n, bool child, unsigned int *months);

/* Reads the least age that an attribute allows: "from 5 years", "6-12 months", 5岁以上. 0 if it allows all. */
unsigned int shop_read_least_age(const char *text, size_t n);

#endif
