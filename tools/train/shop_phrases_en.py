"""English shop questions and answers written for the demo model (MIT, like the rest of the project).

Each subject is (intents, questions, replies). `intents` names the data set's intents whose real prompts may also be
answered with these replies. `(a|b|c)` is one choice. Slots in braces are filled alike in question and reply:
{order} a number, {your_order} "order 12345" if the question has a number and "your order" otherwise, and so on.
"""

SUBJECTS = [
    (("cancel_order",), [
        "(how do I|how can I|I want to|can you help me|please|I need to|could you) cancel (my order|order {order}|my purchase|the order I placed (today|yesterday))",
        "cancel (my order|order {order}|purchase {order})", "(can you|could you|please) cancel (my order|order {order}|it)(. I no longer need it|. I ordered the wrong thing|. I found it cheaper|. I changed my mind)", "I ordered (a|the) {product} by mistake(. Can you cancel it|, please cancel it|. How do I cancel)", "I (changed my mind|no longer need it), please cancel (it|my order|order {order})",
        "is it (still possible|too late) to cancel (my order|order {order})",
    ], [
        "I can help you cancel {your_order}. Please go to 'My Orders', select the order and choose 'Cancel Order'. If it has not been shipped yet, it will be cancelled at once and your payment will be refunded within 5 to 7 business days.",
        "Of course. To cancel {your_order}, log in to your account, open 'Order History', select the order and click 'Cancel Order'. If it has already been shipped, you can refuse the delivery or return it for a full refund.",
        "I'm sorry to hear that you would like to cancel {your_order}. If it has not been shipped, I can cancel it for you right away. You will receive a confirmation by email, and the refund goes back to your original payment method.",
    ]),
    (("change_order",), [
        "(how do I|can I|I want to|I need to|help me) (change|edit|modify|update) (my order|order {order}|an item in my order|the size in my order|the colour of my order)",
        "(can I|I want to) (add|remove|swap) (an item|a product|something) (to|from|in) (my order|order {order})",
        "I ordered the wrong (size|colour|item), can I change it",
    ], [
        "I can help you change {your_order}. As long as it has not been shipped, open 'My Orders', select the order and click 'Edit Order' to add, remove or swap items. Please save the changes and check the new total before you confirm.",
        "Sure. Please tell me which item in {your_order} you would like to change, and what you want instead. If the order has not left our warehouse, we will update it and send you a new confirmation by email.",
    ]),
    (("place_order",), [
        "(how do I|how can I|I want to|help me|I need help to) (place an order|buy (something|a product|this item|several items)|order (a product|online)|make a purchase)",
        "(can I|how do I) order (without an account|as a guest|by phone)",
    ], [
        "I'd be happy to help you place an order. Find the product you want, choose the size or colour, and click 'Add to Cart'. Then open the cart, click 'Checkout', enter your shipping address, choose a payment method and confirm.",
        "Placing an order is easy: add the items to your cart, go to checkout, enter your delivery address and pay. You will receive an order confirmation by email. You can also check out as a guest without an account.",
    ]),
    (("track_order",), [
        "(where is|how do I track|can I track|I want to track|check the status of|what is the status of) (my order|order {order}|my package|my parcel|my purchase)",
        "track (my order|order {order}|package {order})", "(has my order|has order {order}) (shipped|been shipped|been sent) (yet|)",
        "my tracking (number|link) (does not work|is not updating)",
    ], [
        "You can track {your_order} by logging in to your account and opening 'Order History'. There you will see the current status and the tracking number. Tracking information may take up to 24 hours to appear after shipping.",
        "Let me help you find {your_order}. Please open 'My Orders' and click 'Track Order' to see where your package is now. If the status has not changed for three days, contact us and we will check with the carrier.",
    ]),
    (("delivery_period",), [
        "(how long does|how long will) (delivery|shipping|my order|the delivery|it) take (to arrive|)", "when will (my order|order {order}|my package|my item|it) (arrive|be delivered|get here)",
        "(how soon can I expect|what is the delivery time for) (my order|my package|order {order})",
        "I (ordered|bought) (a|the) {product} (yesterday|last week|on Monday|{quantity} days ago), when will it (arrive|come|be here)", "will (it|my order|the {product}) (arrive|be here) (tomorrow|this week|before the weekend|by Friday|in time for Christmas)",
    ], [
        "Standard delivery usually takes 3 to 7 business days, and express delivery takes 1 to 3 business days. You can see the estimated delivery date of {your_order} under 'My Orders'. If it is late, please contact us and we will check with the carrier.",
        "I understand that you would like to know when {your_order} will arrive. Orders are normally delivered within 3 to 7 business days after shipping. Please check the tracking page in your account for the latest delivery date.",
    ]),
    ((), [
        "my (order|package|parcel|delivery|order {order}) is (late|delayed|very late|overdue)( and nobody (answers|helps|tells me why)|)", "my (order|package|{product}) (has not arrived|still has not arrived|hasn't arrived yet|did not come)",
        "why is my (order|delivery) (taking so long|so slow|late)", "(my order|order {order}|my parcel|the {product}|my {product}|it) (should have arrived|was supposed to arrive|was due|should have been delivered) (yesterday|last week|on Monday|two days ago|a week ago)",
        "(where is|where's|what happened to) (my order|order {order}|my package|my parcel|my {product})? It (should have arrived|was supposed to come|should have been here|was due|was promised for|should have been delivered) (yesterday|last week|on Friday|three days ago|last month|today)",
        "(where is|where's) (my order|order {order}|my package|my {product})? I have been waiting (for|more than) (two weeks|a month|ten days|{quantity} days)", "I (have been waiting|am still waiting) for (my order|order {order}|my {product}|my package) (for weeks|for {quantity} days|since last week|since Monday)",
        "I ordered (a|the|my) {product} (two weeks|a month|{quantity} days) ago and (it has not arrived|it is still not here|nothing has come|I still do not have it)", "the delivery date has passed(, where is my (order|package)|)",
    ], [
        "I'm sorry for the delay. Please send us your order number so that we can check {your_order} with the carrier. If the package is lost, we will send a replacement or give you a full refund.",
        "I'm sorry that {your_order} is late. Please look at the tracking page under 'My Orders' for the newest date. If the package has not moved for three days, tell us and we will ask the carrier to find it.",
    ]),
    (("delivery_options",), [
        "(what are your|what|tell me your|which) (delivery options|shipping options|shipping methods|delivery methods) (do you have|do you offer|)",
        "do you (ship|deliver) (to {city}|internationally|abroad|overseas|to other countries)", "(can I|is it possible to) (order|get delivery) (to|in|from) {city}",
        "do you (offer|have) (express|same-day|next-day|free) (shipping|delivery)", "how much (is|does) (shipping|delivery) (cost|)",
        "(what are the|how much are the) shipping (costs|fees|charges)", "do you (ship|deliver|send) to {city}", "(can|could|will) you (ship|deliver|send) (it|the {product}|my order|a {product}) to {city}", "I live in {city}, (do you deliver there|can I order|can you ship to me)",
        "is (shipping|delivery) to {city} (possible|available|free|expensive)", "how much is (shipping|delivery) to {city}",
    ], [
        "Yes, we deliver{to_city}. You can choose standard shipping (3 to 7 business days) or express shipping (1 to 3 business days) at checkout. The shipping cost is shown before you pay.",
        "We offer standard shipping, express shipping and in-store pickup. Delivery{to_city} is available for most products. At checkout you can compare the delivery times and shipping costs and choose the option that suits you best.",
    ]),
    (("change_shipping_address",), [
        "(how do I|can I|I want to|I need to|help me) (change|update|correct|edit|modify) (my|the) (shipping|delivery|) address (for order {order}|of my order|)",
        "I (entered|gave|put|typed) (the wrong|an old|a wrong) (shipping|delivery|) address", "I (have moved|moved house), (can you|please) (change|update) my address",
        "ship (my order|order {order}) to a different address",
    ], [
        "I can help you change the shipping address of {your_order}. If it has not been shipped, open 'My Orders', select the order and click 'Change Address'. Enter the new address and save it. If it has been shipped, please contact us at once.",
        "No problem. To update your shipping address, log in to your account, open 'My Addresses', click 'Edit', enter the new address and save. For an order on its way, we will ask the carrier to redirect the package.",
    ]),
    (("set_up_shipping_address",), [
        "(how do I|can I|I want to|help me) (add|set up|enter|create|save) (a|a new|another|a second|a different) (shipping|delivery) address",
        "I (can't|cannot) (add|enter|save) my (shipping|delivery) address",
    ], [
        "To add a new shipping address, log in to your account and open 'My Addresses'. Click 'Add New Address', enter your name, street, city, postal code and phone number, and save. You can then choose this address at checkout.",
        "I can help you set up a delivery address. Please go to your account settings, select 'Addresses' and click 'Add'. Fill in every field and check the postal code before you save. You can keep more than one address.",
    ]),
    (("get_refund",), [
        "(how do I|how can I|I want to|I want|can I|I need to|help me) (get|request|ask for|claim) (a refund|my money back)(| for order {order}| for my order)",
        "(I want|give me) (my money back|a refund)", "(please|can you) refund (me|my order|order {order})", "I paid {amount} for this (item|product), I want a refund",
    ], [
        "I'm sorry that you are not happy with your purchase. To request a refund for {your_order}, open 'My Orders', select the item and click 'Request Refund'. Once approved, {your_refund} will be paid to your original payment method within 5 to 7 business days.",
        "I can help you with a refund. Please tell us the reason and, if the item is damaged, send a photo. After we have checked {your_order}, {your_refund} will be returned to your original payment method within 5 to 7 business days.",
    ]),
    (("track_refund",), [
        "(where is|what is the status of|how do I check|I want to check|I am waiting for) my refund(| of {amount})", "(when will I get|when do I receive) (my refund|my money back|my refund of {amount})",
        "my refund (has not arrived|is late|still has not arrived)", "(has|was) my refund (of {amount} |)(been processed|processed)",
    ], [
        "I understand that you are waiting for {your_refund}. Refunds usually take 5 to 7 business days after approval, depending on your bank. You can see the status in your account under 'My Orders' and 'Refund Status'.",
        "Let me help you check {your_refund}. Please open 'Refund Status' in your account. If it says 'Completed' but the money has not arrived after 7 business days, send us your order number and we will contact the payment team.",
    ]),
    (("check_refund_policy",), [
        "what is your (refund|return|money back) policy", "(how long do refunds take|in which cases can I get a refund|when can I ask for a refund)",
        "(do you have|tell me about) a money back guarantee", "(what is|explain) the (return|refund) policy", "how many days do I have to return (an item|something|a product)",
    ], [
        "You can return most items within 30 days of delivery for a full refund, as long as they are unused and in the original packaging. The refund goes to your original payment method within 5 to 7 business days after we receive the item.",
        "Our refund policy lets you return products within 30 days of purchase if they are in their original condition. Damaged or wrong items are refunded in full, including shipping. Final sale items cannot normally be returned.",
    ]),
    ((), [
        "(how do I|how can I|I want to|can I|I need to|help me|where do I) (return|send back) (an item|a product|my order|this|order {order}|it|a {product}|the {product})",
        "I want to (return|send back) (my|the) {product}", "the {product} (does not fit|is too small|is too big|is not what I expected)", "start a return",
        "(can I|may I|could I|am I allowed to|is it possible to|how do I) (return|send back|give back) (the {product}|it|them|a {product}|an item|my {product}) if (it does not fit|they do not fit|it doesn't fit|they don't fit|I do not like it|I don't like them|I change my mind|they are too small|it is too big|the size is wrong|I do not need it)",
        "what (if|happens if) (the {product}|it|they) (does not|do not|doesn't|don't) fit", "if (the {product} does not fit|the {product} do not fit|I do not like it|it is too small), can I (return it|send it back|give it back)", "I (bought|ordered) (a|the) {product} and (want|would like) to return it",
        "I (do not|don't) (like|want|need) the {product} (any more|after all|), (how do I|can I) (return it|send it back)", "(do you accept|are) returns( free| possible|)", "the {product} (arrived|came) (today|yesterday) but (does not|do not) fit(, what can I do|)",
    ], [
        "Yes, you can return {your_item} within 30 days if it is unused, also when it does not fit. Open 'My Orders', select the item and click 'Return'. The refund goes to your original payment method after we receive the package.",
        "You can return {your_item} within 30 days of delivery. Open 'My Orders', select the item, click 'Return' and print the return label. Pack it in the original packaging and hand it to the carrier. We will refund you after we receive it.",
        "I'm sorry that {your_item} did not work out. To return it, go to 'My Orders', choose 'Return or Exchange' and follow the steps. Please keep the tags on and use the original packaging. Returns are accepted within 30 days.",
    ]),
    ((), [
        "(can I|how do I|I want to|I would like to) exchange (an item|my order|the {product}|it|this) (for another size|for a different colour|for a bigger size|for a smaller one|)",
        "(do you|can you) (offer exchanges|exchange items)", "I need a (bigger|smaller|different) size", "can I (exchange|swap|change) the {product} (if|because) (it does not fit|they do not fit|the size is wrong|it is too small|they are too big)", "the {product} (is|are) too (small|big|long|tight), can I (exchange it|exchange them|get another size|swap it)",
        "I (would like|want|need) the {product} in (another|a different|a bigger|a smaller) (size|colour)",
    ], [
        "Yes, you can exchange {your_item} within 30 days if it is unused. Open 'My Orders', choose 'Return or Exchange', select the size or colour you want and send the item back. We will ship the new one as soon as we receive it.",
        "I can help you exchange {your_item}. Please tell us your order number and the size or colour you need. If it is in stock, we will send the replacement after we receive your return.",
    ]),
    ((), [
        "(my|the) {product} (arrived damaged|is broken|is defective|does not work|stopped working|arrived broken|came damaged)", "I received a (damaged|broken|defective|faulty) (item|product|{product})",
        "the (item|product|package) (is|was|arrived) (damaged|broken)", "what (if|happens if|should I do if) (the {product}|it|my order) (arrives|is|comes) (damaged|broken|defective)", "the {product} (broke|stopped working|fell apart) after (one day|two days|a week|one wash)(. What can I do|. I want a new one|, can you help|)",
        "I (opened|unpacked) the (box|package) and the {product} (was|is) (broken|damaged|scratched|torn)", "there is a (hole|scratch|crack|stain) (in|on) (the|my) {product}",
    ], [
        "I'm very sorry that {your_item} has a problem. Please send us your order number and a photo of the damage. We will send you a replacement or give you a full refund, and you do not have to pay for the return shipping.",
        "I apologize for the trouble with {your_item}. Please contact our customer support team within 48 hours with a few photos. We will arrange a replacement, a repair or a full refund, whichever you prefer.",
    ]),
    ((), [
        "I (received|got) the wrong (item|product|size|colour|order)", "you sent me the wrong (item|product|{product}|size|colour)", "(an item is|some items are|something is) missing (from|in) my (order|package)",
    ], [
        "I'm sorry for the mistake. Please send us your order number and a photo of what you received. We will ship the correct item to you right away and arrange a free return for the wrong one.",
        "I apologize for the mix-up with your order. Please tell us your order number and what is wrong or missing. We will check with the warehouse and send you the right item at no extra cost, or refund it.",
    ]),
    ((), [
        "my (package|order|parcel) (says delivered but I did not receive it|is marked as delivered but it is not here|was delivered but I never got it|is lost|was stolen)", "I never received my (order|package)",
    ], [
        "I'm sorry that your package is missing. Please check with your neighbours and any safe place first. If you still cannot find it, send us your order number and we will open an investigation with the carrier, then send a replacement or a refund.",
    ]),
    (("check_cancellation_fee",), [
        "(is there|do you charge|how much is) a (cancellation|cancelation|termination) (fee|charge|penalty)", "(what is|check) the (cancellation fee|cancellation charge|early termination fee|withdrawal penalty)",
    ], [
        "There is no cancellation fee if you cancel before your order is shipped. After shipping, the return cost may be deducted from your refund. You can see any cancellation charge on the order page before you confirm.",
        "You can cancel free of charge as long as your order has not been shipped. For orders already on the way, a small return shipping fee may apply. Please check the terms shown on the order page for details.",
    ]),
    (("check_invoice", "get_invoice"), [
        "(how do I|where can I|can I|I want to|I need to|help me|please) (get|download|see|find|receive) (my|an|the) (invoice|receipt|bill)(| for order {order}| for my order)",
        "(I need|can I have|please send me) (an|my|the) (invoice|receipt|bill)(| for order {order})", "send me (invoice|bill) {invoice}", "the invoice has the wrong (name|company|address)",
        "(how can I|how do I|where do I|can I|could I) (get|download|have|print|find) (an|the|my|a copy of my|a copy of the) (invoice|receipt|bill) (for|of) (order {order}|order number {order}|my order {order}|my purchase|my last order)", "(invoice|receipt) for order {order}(, please|)", "I (need|require) an invoice (for my company|for my taxes|with VAT)( for order {order}|)",
        "there was no (invoice|receipt) in (the box|my package|the parcel)",
    ], [
        "You can download {your_invoice} from your account: open 'My Orders', select the order and click 'Download Invoice'. A PDF copy is also attached to your order confirmation email.",
        "Sure, I can help you with {your_invoice}. Please log in, go to 'Billing' or 'Invoices' and choose the date you need. If it is not there, send us your order number and we will email it to you.",
    ]),
    (("check_payment_methods",), [
        "(what|which) (payment methods|payment options|cards|forms of payment) (do you accept|are accepted|can I use)", "(can I pay|do you accept|do you take) (with|by|) (PayPal|credit card|debit card|cash on delivery|Apple Pay|bank transfer|Visa|gift cards)",
        "how can I pay", "what are your payment (methods|options)",
    ], [
        "We accept major credit and debit cards, PayPal and bank transfer. You can choose your payment method at checkout, and all payments are encrypted and secure.",
        "You can pay by credit card, debit card, PayPal, gift card or bank transfer. The available payment methods are shown at checkout, where you can select the one you prefer.",
    ]),
    (("payment_issue",), [
        "(my payment|my card|the payment) (failed|was declined|did not go through|is not working|was rejected)", "(I have|there is) a (problem|issue|trouble) with (my payment|the payment|paying)",
        "I was charged twice(| for order {order}| for my order)", "(I can't|I cannot|unable to) (pay|pay for my order|complete the payment)", "report a payment (error|problem|issue)",
    ], [
        "I'm sorry about the payment problem. Please check your card number, expiry date and billing address, and make sure that there are enough funds. If it still fails, try another payment method or contact your bank.",
        "I apologize for the trouble with your payment. Please send us your order number and the error message. If you were charged twice, the extra payment will be refunded within 5 to 7 business days.",
    ]),
    (("create_account",), [
        "(how do I|how can I|I want to|help me|can you help me) (create|open|register|make|sign up for) (an account|a {account}|a new account|an account for my (mother|friend|father))", "sign up", "(do I need|must I have) an account to (order|buy)",
    ], [
        "To create {an_account}, click 'Sign Up' at the top of our website, enter your name, email address and a password, and confirm the link that we send to your email. Then you can start shopping.",
        "I'd be glad to help you open {an_account}. Go to our website, click 'Create Account', fill in your details and choose a strong password. Please check your inbox for the confirmation email to finish.",
    ]),
    (("delete_account",), [
        "(how do I|how can I|I want to|help me|please) (delete|close|remove|cancel) my ({account}|account)", "delete my (account|data)", "I no longer want my ({account}|account)",
    ], [
        "I'm sorry to see you go. To delete your {account}, log in, open 'Account Settings', scroll to 'Delete Account' and confirm. Please note that your order history and points will be removed for good.",
        "I can help you close your {account}. Please make sure that you have no open orders or refunds, then go to 'Account Settings' and choose 'Delete Account'. You will receive a confirmation by email.",
    ]),
    (("edit_account",), [
        "(how do I|how can I|I want to|help me) (edit|change|update|correct|modify) (my|the) (account|profile|personal information|email address|phone number|name|{account}|account details)",
        "(update|change) my (email|phone number|personal data|details)",
    ], [
        "To update your {account} information, log in and open 'Account Settings'. Click 'Edit' next to your name, email address or phone number, enter the new details and save the changes.",
        "I can help you edit your {account}. Please go to 'My Profile', change the information you want to correct and click 'Save'. If you change your email address, we will send you a link to confirm it.",
    ]),
    (("switch_account",), [
        "(how do I|how can I|I want to|help me) (switch|change|upgrade|move) to (a|the) {account}", "(can I|I want to) (upgrade|downgrade|switch) my account", "use the {account}",
    ], [
        "To switch to the {account}, log in, open 'Account Settings' and choose 'Change Account Type'. Select the {account}, check the price and benefits, and confirm. The change takes effect right away.",
        "I'd be happy to help you switch to the {account}. Go to 'My Account', click 'Change Plan', select the {account} and confirm. Your orders and personal information stay the same.",
    ]),
    (("recover_password",), [
        "(I forgot|I lost|I can't remember|I do not remember) my (password|pin|login|access key)", "(how do I|how can I|I want to|help me) (reset|recover|change|restore) my (password|pin code|account password)",
        "(I can't|I cannot|unable to) (log in|login|sign in|access my account)", "my account (is locked|was hacked)",
    ], [
        "To reset your password, go to the login page and click 'Forgot Password'. Enter your email address and open the link that we send you. Then choose a new password. Please check your spam folder if you do not see the email.",
        "Don't worry, I can help you get back into your account. Click 'Forgot Password' on the login page, enter your email address and follow the link to set a new password. The link is valid for 24 hours.",
    ]),
    (("registration_problems",), [
        "(I have|there is) (a problem|an issue|an error) with (registration|sign up|signing up|my registration)", "(I can't|I cannot|unable to) (register|sign up|create an account)", "report a (registration|sign-up) (error|problem|issue)",
        "I did not receive the (confirmation|verification|activation) email",
    ], [
        "I'm sorry that you have trouble signing up. Please check that your email address is correct and not already registered, and that the password has at least 8 characters. If the error remains, send us a screenshot and we will fix it.",
        "I apologize for the registration problem. Please clear your browser cache, try another browser and check your spam folder for the confirmation email. If you still cannot register, our support team can create the account for you.",
    ]),
    (("newsletter_subscription",), [
        "(how do I|how can I|I want to|help me) (subscribe to|sign up for|receive) (the|your) newsletter", "(how do I|I want to|please) (unsubscribe from|cancel|stop receiving) (the|your) (newsletter|emails|newsletter subscription)",
    ], [
        "You can manage the newsletter in your account under 'Email Preferences'. To subscribe, enter your email address at the bottom of our website. To unsubscribe, click the link at the end of any newsletter.",
        "Sure. To subscribe or unsubscribe, open 'Account Settings', select 'Newsletter' and turn it on or off. The change takes effect within 24 hours.",
    ]),
    (("review",), [
        "(how do I|how can I|I want to|where can I) (leave|write|submit|post|give) (a review|feedback|my opinion|a comment)(| about a product| about your service)", "leave (feedback|a review)",
    ], [
        "Thank you for sharing your opinion. To leave a review, open the product page, click 'Write a Review', choose a rating and tell us about your experience. It will appear after a short check.",
        "We would love to hear your feedback. Please go to 'My Orders', select the product and click 'Write a Review'. For feedback about our service, you can also contact our customer support team.",
    ]),
    (("complaint",), [
        "(I want to|how do I|where can I|I need to|help me) (make|file|submit|lodge|send) a (complaint|claim)(| against your company| about your service)", "I am (unhappy|not happy|very disappointed|dissatisfied) with (your service|my order|the quality)",
        "your (service|support|quality) is (terrible|bad|awful)", "this is (unacceptable|ridiculous)",
    ], [
        "I'm very sorry about your experience, and I want to make it right. Please tell us what happened, together with your order number and any photos. Our customer support team will look into your complaint and reply within 24 hours.",
        "I apologize for the inconvenience. To file a complaint, please use the 'Contact Us' form on our website or reply here with the details. We take every complaint seriously and will offer you a solution as soon as possible.",
    ]),
    (("contact_customer_service",), [
        "(how do I|how can I|I want to|I need to) (contact|reach|call|email|speak to) (customer service|customer support|support|you)", "what (are your hours|time can I call|are your opening hours|hours is customer service open)",
        "(what is|give me) your (phone number|email|contact details|customer service number)",
    ], [
        "You can reach our customer support team through live chat on our website, by email or by phone. The contact details are on the 'Contact Us' page, and our team is available during business hours from Monday to Saturday.",
        "Our customer support team is happy to help. Please open the 'Contact Us' page on our website to start a live chat, send an email or find our phone number. We usually reply within 24 hours.",
    ]),
    (("contact_human_agent",), [
        "(I want to|can I|I need to|let me) (talk|speak|chat) (to|with) (a human|a real person|an agent|a person|someone|a live agent)", "(human|agent|real person) please", "are you a (robot|bot)",
        "(connect|transfer) me to (an agent|a human)",
    ], [
        "Of course. I will connect you with one of our agents. Please tell me briefly what your question is about and your order number if you have one, so that our team can help you faster.",
        "I understand that you would like to speak with a person. Please stay in this chat and an agent will join you shortly. During business hours the wait is usually only a few minutes.",
    ]),
    ((), [
        "(is|do you have) the {product} (in stock|available)( now| in my size| in {color}|)",
        "(do you have|have you got|do you sell|do you stock|is there) (the|a|this) {product} in (size (S|M|L|XL|{shoe})|{color}|my size|a bigger size|other colours|stock)", "(do you have|is|have you got) the {color} {product} (in size (S|M|L|XL|{shoe})|in stock|available|in my size)", "(when will|will) the {product} be (back in stock|restocked|available again)", "is (this|the {product}|it) (sold out|out of stock|still available)",
    ], [
        "Availability of {your_item} is shown on the product page next to each size and colour. If it is out of stock, click 'Notify Me' and we will email you as soon as it is available again.",
        "Please check the product page for the current stock of {your_item}. Sold-out items are usually restocked within two weeks. You can sign up for a stock alert and we will let you know.",
    ]),
    ((), [
        "(what size should I (buy|order|choose|get)|which size is right for me|how do I find my size|do you have a size guide|is there a size chart)", "(does|do) the {product} run (small|large|true to size)", "I am {height} cm tall and weigh {weight} kg, what size (should I buy|do I need)",
    ], [
        "Please use the size guide on the product page: measure your chest, waist and hips and compare them with the chart. If you are between two sizes, we recommend the larger one. You can exchange it free of charge if it does not fit.",
        "You can find the size chart on the product page. Most of our items run true to size. Tell us your height, weight and usual size, and we will be glad to recommend one.",
    ]),
    ((), [
        "(do you have|are there|can I get) (any|a) (discount|discounts|coupon|promo code|offers|sale)(| for new customers| for students)", "my (promo code|coupon|discount code|voucher) (does not work|is not working|is invalid|was rejected)", "how do I use (a|my) (coupon|promo code|discount code|gift card)",
        "(is the price negotiable|can you lower the price|it is too expensive)",
    ], [
        "You can enter your code in the 'Promo Code' field at checkout and click 'Apply'. Please check that the code has not expired and that your order reaches the minimum amount. Only one code can be used per order.",
        "Our current offers and coupons are on the home page, and newsletter subscribers receive a welcome discount. Add the code at checkout to apply it. If a code does not work, please send it to us and we will check it.",
    ]),
    ((), [
        "the price (dropped|went down|is lower now) after I (ordered|bought it)", "do you (offer|have|do) (price matching|price match|price adjustment)", "I found (it|the {product}) cheaper (somewhere else|on another website)",
    ], [
        "If the price drops within 7 days of your purchase, we will refund the difference. Please send your order number and a link to the product to our customer support team.",
    ]),
    ((), [
        "(is there|does it have|what is|how long is) (a|the) (warranty|guarantee)(| on the {product}| for the {product})", "(how long is|what is) the warranty(| of the {product})", "my {product} (broke|stopped working) (after a month|under warranty), can (you|I get it) (repair|repaired)",
    ], [
        "Most of our products come with a one-year warranty that covers defects in material and workmanship. Please keep your invoice. If {your_item} has a problem, contact us with your order number and we will arrange a repair or a replacement.",
    ]),
    ((), [
        "(is|are) (the|this|your|these) ({product}|products|item|items) (original|genuine|authentic|real)", "do you sell (genuine|original) (products|items)",
    ], [
        "Yes, all of our products are genuine and come directly from the brand or an authorised supplier. If you ever have a doubt about quality, you can return the item within 30 days for a full refund.",
    ]),
    ((), [
        "(what is|what's) the {product} made of", "what (material|fabric) is the {product}", "how do I (wash|clean|care for) the {product}", "can I (machine wash|tumble dry) the {product}",
    ], [
        "The material and care instructions of {your_item} are listed on the product page and on the label. We recommend a gentle wash in cold water and drying in the shade. If you need more details, please send us the product link.",
    ]),
    ((), [
        "(can you|do you) (gift wrap|offer gift wrapping|wrap it as a gift)", "(can I|I want to) (add|include) a gift (message|card|note)", "(can I|I want to) send (it|this|an order) as a gift",
    ], [
        "Yes, you can choose gift wrapping and add a personal message at checkout. The order can be sent straight to the recipient, and the price will not be shown on the packing slip.",
    ]),
    ((), [
        "do you (have|offer) a (loyalty program|rewards program|membership)", "how (do I|can I) (use|earn|redeem) (my|reward|loyalty) points",
    ], [
        "Yes, you earn points with every purchase, and you can use them for discounts on later orders. Join the loyalty program in your account under 'Rewards' and choose 'Redeem Points' at checkout.",
    ]),
    ((), [
        "(do you offer|can I get) (a bulk discount|wholesale prices|a discount for large orders)", "I want to (order|buy) {quantity} (pieces|units|items), is there a discount",
    ], [
        "Yes, we offer discounts for large orders. Please tell us the product and the quantity that you need, and our sales team will send you a quote within one business day.",
    ]),
    ((), [
        "(can you recommend|recommend|what is) a good {product}(| for my (mother|father|girlfriend|boyfriend|child))", "I am looking for (a|a new) {product}", "which {product} (should I buy|do you recommend|is the best)",
    ], [
        "I'd be happy to help you choose. Please tell me your budget, the size or colour you like and how you will use it. You can also sort the products on our website by customer rating to see the most popular ones.",
    ]),
    ((), [
        "(hi|hello|hey|hi there|good morning|good afternoon|hello, is anyone there)", "(can you help me|I need help|I have a question|help)",
    ], [
        "Hello! How can I help you today? You can ask me about orders, delivery, returns, refunds, payments or your account.",
        "Hello, and welcome to our shop! Please tell me what you need help with, and add your order number if your question is about an order.",
    ]),
    ((), [
        "(thanks|thank you|thank you very much|thanks a lot|great, thanks|thanks for your help|ok thank you)", "(bye|goodbye|have a nice day)",
    ], [
        "You're welcome! If you have any other questions, I'm here to help. Have a great day!",
        "Thank you for contacting us. Enjoy your shopping, and have a wonderful day!",
    ]),
    ((), [
        "(is it safe|is it secure) to (pay|shop|use my card) on your (website|site)", "(do you|how do you) (protect|store|share) my (personal data|card details|personal information)",
    ], [
        "Yes, our website is secure. All payments are encrypted, and we never share your personal data with others for advertising. You can read more in our privacy policy.",
    ]),
    ((), [
        "(can I|how do I) (pick up my order|collect my order in store|schedule a delivery|choose a delivery time|change the delivery date)", "do you have (a physical store|a store in {city}|in-store pickup)",
    ], [
        "You can choose in-store pickup or a delivery time slot at checkout. To change it later, open 'My Orders' and click 'Delivery Options' before the order is shipped. We will send you a message when it is ready.",
    ]),
]

PRODUCTS = ["dress", "shoes", "jacket", "phone case", "headphones", "backpack", "watch", "laptop", "T-shirt", "jeans", "coffee machine", "lamp", "sofa", "tablet",
            "camera", "keyboard", "sneakers", "sweater", "handbag", "toaster", "vacuum cleaner", "charger", "perfume", "sunglasses", "coat", "skirt", "blender",
            "mattress", "desk", "trousers", "boots", "earrings", "kettle", "blanket", "ring", "belt", "gloves", "socks", "speaker", "mouse", "drill", "carpet", "pillow", "shirt", "trainers", "wallet", "phone", "sandals", "chair", "toy", "book", "printer", "monitor", "suitcase", "bicycle", "tent", "hat", "scarf", "necklace"]
CITIES = ["London", "Paris", "New York", "Berlin", "Toronto", "Sydney", "Dublin", "Chicago", "Madrid", "Rome", "Tokyo", "Singapore", "Detroit", "Boston", "Vienna",
          "Amsterdam", "Oslo", "Lisbon", "Hungary", "Canada", "Germany", "Spain", "Australia", "Japan", "Brazil", "Mexico", "India", "Poland", "Sweden", "Italy",
          "Norway", "Denmark", "Finland", "France", "Portugal", "Greece", "Austria", "Belgium", "Switzerland", "Ireland", "Scotland", "Turkey", "Egypt", "Kenya", "China", "South Korea", "Chile", "Peru", "Argentina",
          "New Zealand", "Iceland", "Croatia", "Romania", "Hawaii", "Alaska", "Malaysia", "Thailand", "Israel", "Morocco", "Estonia", "Scandinavia", "Europe", "Africa", "Asia"]
NAMES = ["Anna Freeman", "David Miller", "Mr. Smith", "Ms. Jones", "John Carter", "Maria Lopez", "Mrs. Brown", "Emma Wilson", "Peter Clark", "Lucy Adams"]
ACCOUNTS = ["premium", "standard", "free", "pro", "gold", "platinum", "basic", "freemium", "business", "silver"]
COLORS = ["black", "white", "red", "blue", "green", "grey", "pink", "navy blue", "beige", "brown"]
