/* Replies that an agent can always send. */
#ifndef SHOP_ASSIST_TEMPLATES_H
#define SHOP_ASSIST_TEMPLATES_H

enum { SHOP_N_TEMPLATES = 5 };
extern const char *const shop_templates_en[SHOP_N_TEMPLATES], *const shop_templates_zh[SHOP_N_TEMPLATES];

#endif
