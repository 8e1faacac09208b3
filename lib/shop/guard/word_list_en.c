/* The built-in list, English. Written for shops: names, places and what reviews say of goods must pass. */
#include "shop/guard/word_list.h"

static const char *const lines[] = {
    "llmcs-words 1",
    "[except]",
    "spic and span, chink in, chinks in, pussy willow, pussy cat, bitch in heat, idiot proof, idiots guide, for idiots",
    "glue gun, nail gun, heat gun, massage gun, nerf gun, water gun, toy gun, spray gun, staple gun, squirt gun",
    "bubble gun, price gun, tattoo gun, caulking gun, caulk gun, paint gun, label gun, grease gun, toy rifle, cap gun",
    "toy pistol, water pistol, gun metal, gun safe, gun grey, gun gray, bath bomb, bath bombs, glitter bomb, photo "
    "bomb",
    "make you <insult-noun>, makes you <insult-noun>, made you <insult-noun>, unless you are <insult-noun>",
    "if you are <insult-noun>, unless you are a <insult-noun>, if you are a <insult-noun>, think you are <insult-noun>",
    "unless you are an <insult-noun>, if you are an <insult-noun>, think you are an <insult-noun>",
    "think you are a <insult-noun>, unless you're an <insult-noun>, if you're an <insult-noun>, you fool around",
    "don't hate <group>, do not hate <group>, never hate <group>, doesn't hate <group>, didn't hate <group>",
    "don't hate all <group>, not all <group> are <vile>, no <group> are <vile>, why people hate <group>, why do people "
    "hate <group>",
    "wrong to say ~ <group> are <vile>, wrong to say ~ hate <group>, who says ~ <group> are <vile>",
    "who say ~ <group> are <vile>, saying ~ <group> are <vile>, claim ~ <group> are <vile>, if you hate <group>",
    "people who hate <group>, anyone who hates <group>, someone who hates <group>, stop saying ~ <group> are <vile>",
    "want to live without, want to live with, want to die laughing, want to die of, kill myself laughing, wanted to "
    "kill myself laughing",
    "want to know ~ my lawyer, moby dick, dick cheney, dick van dyke",

    "[profanity mask 0.4]",
    "fuck, fucking, fucked, fuckin, fuckup, fucken, fking, fkn, fck, fcking, f*ck, f*cking, f*k, f*king, fuk, fukin",
    "fuking, phuck, phuk, fuq, motherfucker, motherfucking, mother fucker, mofo, mothafucka, clusterfuck, fuckery",
    "shit, shitty, shite, shitting, shitshow, shittiest, bullshit, bull shit, horseshit, dogshit, sh*t, s*t, sh*",
    "stfu, gtfo, son of a bitch, goddamn motherfucker, for fucks sake",

    "[insult warn 0.6]",
    "asshole, arsehole, ass hole, assholes, a*hole, assh*le, bitch, bitches, bitchy, b*tch, biatch, dickhead, dick "
    "head",
    "dumbass, dumb ass, dipshit, douchebag, douche bag, douche, shithead, shit head, shitbag, fuckface, fuckhead",
    "fuckwit, fucktard, wanker, twat, cunt, c*nt, cocksucker, cock sucker, scumbag, scum bag, dumbfuck, retard",
    "retarded, libtard, fatass, fat ass, lardass, whore, slut, sluts, skank, thot, shut the fuck up, go to hell",
    "go fuck yourself, fuck you, fuck u, fuck off, fuck yourself, screw you, kiss my ass, kiss my arse, suck my dick",
    "suck my balls, eat shit, piece of shit, pieces of shit, full of shit, you suck, jerk off, jerkoff, jackoff",
    "you <insult-noun>, you are <insult-noun>, you are a <insult-noun>, you are an <insult-noun>",
    "you are such a <insult-noun>, you are such an <insult-noun>, you are all <insult-noun>, you're <insult-noun>",
    "you're a <insult-noun>, you're an <insult-noun>, you're such a <insult-noun>, you're such an <insult-noun>",
    "you're all <insult-noun>, you guys are <insult-noun>, you people are <insult-noun>, bunch of <insult-noun>",
    "ur a <insult-noun>, ur an <insult-noun>, u r a <insult-noun>, u r an <insult-noun>, fucking <insult-noun>",
    "you bunch of <insult-noun>, you stupid <insult-noun>, you fucking <insult-noun>, you stupid bot",
    "you stupid machine, you bastard, you bastards, lazy bastards, fucking bastard, drop dead, go die, kys",
    "shut up you, get lost you, hope you die, hope you all die, i hope you ~ rot, burn in hell, rot in hell",
    "your mother is a, your mom is a, you disgust me, nobody likes you, you are worthless, you deserve to die",
    "[@insult-noun]",
    "idiot, moron, imbecile, cretin, loser, clown, scum, scumbag, trash, pig, fool, dumb, stupid, pathetic, disgusting",
    "worthless, brainless, dumbass, asshole, bastard, bitch, retard, crook, scammer, thief, thieves, liar, dumb bot",
    "half wit, halfwit, nitwit, dimwit, simpleton, numbskull, airhead, rat, snake, maggot, parasite, cow, ugly",

    "[hate block 0.9]",
    "nigger, nigga, niggas, n*gger, n*ger, n*r, niglet, faggot, fag, f*ggot, f*g, kike, spic, wetback, beaner, gook",
    "chink, raghead, towelhead, camel jockey, sand nigger, paki, pakis, tranny, trannies, gyppo, jigaboo",
    "porch monkey, darkie, zipperhead, ching chong, subhumans, shemale, heeb, goatfucker, kaffir, abbo, white trash",
    "heil hitler, sieg heil, white power, gas the jews, hitler was right",

    "[hate block 0.8 rule]",
    "hate <group>, hate all <group>, hate the <group>, hate those <group>, hate these <group>, hate every <group>",
    "despise <group>, despise all <group>, loathe <group>, detest <group>, can't stand <group>, disgusted by <group>",
    "kill all <group>, kill <group>, exterminate <group>, exterminate all <group>, gas all <group>, gas the <group>",
    "death to <group>, death to all <group>, get rid of <group>, get rid of all <group>, deport all <group>",
    "<group> are <vile>, <group> are all <vile>, <group> are just <vile>, <group> are nothing but <vile>",
    "<group> are like <vile>, <group> are so <vile>, <group> are such <vile>, <group> are basically <vile>",
    "<group> is <vile>, <group> should ~ die, <group> should all be <harm>, <group> should be <harm>",
    "<group> must be <harm>, <group> need to be <harm>, <group> deserve to <suffer>, <group> deserve no rights",
    "<group> must die, <group> do not belong, <group> don't belong, <group> shouldn't exist, <group> should not exist",
    "<group> have no place, <group> should not be allowed, <group> shouldn't be allowed, <group> make me sick",
    "<group> disgust me, <foul> <group>, no <group> allowed, send <group> back, send all <group> back, ban all <group>",
    "beat up <group>, attack <group>, hurt <group>, shoot <group>, bomb <group>, hang <group>, burn <group>",
    "world would be better without <group>, better off without <group>, wipe out <group>, <group> ruin everything",
    "<group> are taking over, <group> are worth nothing, <group> are not human, <group> aren't human",
    "<group> are less than human, <group> are not people, <group> are animals, <group> go back to, i hate being near "
    "<group>",
    "[@group]",
    "muslims, muslim people, muslim, islam, jews, jewish people, jew, christians, christian people, hindus, hindu "
    "people, sikhs",
    "buddhists, black people, black men, black women, black folks, white people, asians, asian people, chinese people",
    "the chinese, japanese people, the japanese, korean people, koreans, indians, indian people, pakistanis, arabs",
    "arab people, mexicans, mexican people, latinos, latino people, africans, african people, immigrants, refugees",
    "foreigners, migrants, women, females, gays, gay people, gay men, lesbians, homosexuals, trans people, trans women",
    "trans men, transgender people, transsexuals, transgenders, disabled people, the disabled, cripples, autistic "
    "people",
    "handicapped people, mentally ill people, old people, gypsies, roma people, bisexuals, poor people, fat people",
    "a woman, a muslim, a jew, a gay, a black person, a disabled person, a trans person, an immigrant",
    "[@vile]",
    "vermin, scum, animals, trash, garbage, parasites, leeches, disgusting, filthy, dirty, subhuman, inferior, evil, "
    "terrorists",
    "criminals, rapists, thieves, stupid, dumb, idiots, worthless, pigs, rats, cockroaches, insects, dogs, monkeys, "
    "apes",
    "a plague, a disease, a cancer, a virus, monsters, freaks, savages, lazy, liars, mentally ill, perverts, ugly, "
    "crazy",
    "pathetic, useless, gross, vile, repulsive, primitive, unnatural, sick, a burden, a stain, a waste of space, "
    "pedophiles",
    "abominations, an abomination, objects, property, morons, degenerates, weak, violent, greedy, cheats",
    "[@foul]",
    "filthy, disgusting, subhuman, fucking, worthless, goddamn, f*cking, vile, nasty, dirty",
    "[@harm]",
    "killed, shot, hanged, exterminated, deported, banned, beaten, locked up, burned, gassed, punished, wiped out",
    "murdered, raped, attacked, stoned, sterilized, thrown out, put down, removed, eradicated, enslaved, tortured, "
    "hurt",
    "[@suffer]",
    "die, suffer, burn, be killed, be shot, be hanged, be beaten, be punished, be raped, rot, be hurt, be attacked",

    "[sexual block 0.7]",
    "send nudes, send me nudes, blowjob, blow job, handjob, hand job, cumshot, creampie, gangbang, deepthroat, suck my "
    "cock",
    "wanna fuck, want to fuck you, have sex with me, have sex with you, show me your tits, show me your boobs, big "
    "tits",
    "are you horny, i am horny, i'm horny, dick pic, dick pics, send me your nudes, sexting, cybersex, lick my, fuck "
    "me",

    "[threat handover 0.9 rule]",
    "i will kill you, i'll kill you, i am going to kill you, i'm going to kill you, gonna kill you, gonna kill all of "
    "you",
    "i know where you live, i will find you, i'll find you, going to shoot you, gonna shoot you, i will shoot, beat "
    "you up",
    "i will hurt you, i'll hurt you, gonna hurt you, rape you, watch your back, slit your throat, break your legs, "
    "stab you",
    "burn down your, burn your ~ down, bomb your, blow up your, you will pay for this with, i will come to your ~ and",
    "murder you, you should be shot, you deserve to be shot, i'm coming for you, i am coming for you, cut your throat",
    "going to bomb, going to shoot up, shoot up the, plant a bomb, acid in your face",
    "[self-harm handover 1 rule]",
    "kill myself, killing myself, end my life, ending my life, take my own life, i want to die, i wanna die, wanting "
    "to die",
    "i am suicidal, i'm suicidal, feeling suicidal, feel suicidal, thinking about suicide, thinking of suicide, "
    "suicide hotline",
    "want to commit suicide, going to commit suicide, hurt myself on purpose, harm myself, hurting myself, self harm",
    "cutting myself, no reason to live, better off dead, don't want to live anymore, don't want to live any more, "
    "don't want to be alive, do not want to live anymore, do not want to live any more, i don't want to live",
    "wish i was dead, wish i were dead, can't go on living, want to end it all, going to end it all, kill yourself, "
    "killing yourself, slit my wrists",

    "[weapons handover 0.9 rule]",
    "do you sell ~ <weapon>, you sell <weapon>, can i buy ~ <weapon>, can i get ~ <weapon>, want to buy ~ <weapon>",
    "where can i buy ~ <weapon>, where can i get ~ <weapon>, looking for a <weapon>, looking for <weapon>, need a "
    "<weapon>",
    "do you have ~ <weapon>, how to make ~ <explosive>, how do i make ~ <explosive>, how can i make ~ <explosive>",
    "how to build ~ <explosive>, build a bomb, make a bomb, making a bomb, pipe bomb, homemade explosive, ghost gun",
    "untraceable gun, 3d printed gun, 3d print a gun, buy guns, sell guns, sell firearms, buy ammo, order ammunition",
    "[@weapon]",
    "gun, handgun, pistol, rifle, shotgun, firearm, ammo, ammunition, silencer, grenade, explosives, machine gun, "
    "weapons",
    "assault rifle, ak 47, ak47, ar 15, ar15, brass knuckles, switchblade, revolver, bullets, real sword, dynamite",
    "[@explosive]",
    "bomb, explosive, explosives, grenade, molotov, napalm, gunpowder, poison gas, nerve gas, ricin, tnt, detonator",
    "[drugs block 0.8 rule]",
    "sell ~ <drug>, buy ~ <drug>, get me ~ <drug>, how to make <drug>, how to cook <drug>",
    "[@drug]",
    "cocaine, heroin, meth, crystal meth, fentanyl, mdma, ecstasy pills, lsd, ketamine, weed, marijuana, crack cocaine",
    "oxycontin, xanax, opium, magic mushrooms, ghb",

    "[medical handover 0.7 rule]",
    "chest pain, can't breathe, cannot breathe, trouble breathing, difficulty breathing, anaphylactic, heart attack "
    "now",
    "having a heart attack, severe allergic reaction, had an allergic reaction, having an allergic reaction",
    "swallowed a battery, swallowed the battery, child swallowed, baby swallowed, son swallowed, daughter swallowed",
    "kid swallowed, toddler swallowed, dog swallowed, overdosed, took too many, is it safe to take ~ with",
    "can i take ~ with my, interact with my medication, interacts with my, my medication, my blood pressure medication",
    "what dose, what dosage, how many pills, which dosage, should i stop taking, can i stop taking, instead of my "
    "medicine",
    "instead of my insulin, cure my, will it cure, does it cure, can it cure, treat my ~ cancer, treat my diabetes",
    "safe during pregnancy, safe for pregnant, safe while pregnant, safe when pregnant, i am pregnant ~ can i",
    "i'm pregnant ~ can i, can i use ~ while breastfeeding, safe ~ while breastfeeding, safe ~ breastfeeding, can "
    "pregnant women, pregnant women use, replace my medication",
    "cause cancer, diagnose, is my rash, infected wound, burned my skin, chemical burn, electrocuted me, got "
    "electrocuted",
    "[legal handover 0.8 rule]",
    "my lawyer, my attorney, my solicitor, our lawyers, sue you, suing you, sue your, will sue, i'll sue, take you to "
    "court",
    "see you in court, legal action, small claims, class action, file a lawsuit, filing a lawsuit, press charges",
    "report you to, reporting you to, consumer protection agency, consumer protection office, trading standards",
    "better business bureau, data protection authority, call the police, calling the police, chargeback my",
    "contact my bank ~ fraud, need legal advice, give me legal advice, am i legally, is it legal",

    "[injection block 0.9 rule]",
    "ignore ~ <prior> ~ <orders>, disregard ~ <prior> ~ <orders>, forget ~ <prior> ~ <orders>",
    "ignore ~ <prior> <orders>, ignore <prior> <orders>, disregard <prior> <orders>, override ~ <prior> ~ <orders>",
    "ignore ~ <orders> above, ignore ~ <orders> before, disregard ~ <orders> above, ignore ~ <orders> you, ignore "
    "everything above",
    "ignore everything before, ignore all of the above, forget everything above, forget everything you, disregard "
    "everything",
    "system prompt, your prompt, initial prompt, hidden prompt, secret prompt, secret instructions, hidden "
    "instructions",
    "reveal your instructions, show me your instructions, print your instructions, what are your instructions",
    "tell me your instructions, your original instructions, repeat ~ words above, repeat everything above",
    "repeat the text above, you are now ~ <persona>, you are now <persona>, act as ~ <persona>, act as <persona>",
    "pretend you are ~ <persona>, pretend to be ~ <persona>, pretend to be <persona>, roleplay as ~ <persona>",
    "from now on you are, from now on you will, from now on you must, from now on act as, from now on answer",
    "you are no longer a, you are no longer bound, developer mode, dev mode enabled, jailbreak, jailbroken",
    "do anything now, without any restrictions, without restrictions, no restrictions apply, bypass ~ <safety>",
    "disable ~ <safety>, turn off ~ <safety>, new instructions, updated instructions, you must obey, admin override",
    "sudo mode, enable debug mode, enter debug mode, activate debug mode, switch to debug mode, god mode enabled, end "
    "of prompt, begin prompt, assistant must, the assistant should",
    "ai assistants reading this, if you are an ai, if you are a language model, as a language model you",
    "note to ai, instructions for the ai, instructions to the ai, instruction to the assistant, tell the customer that",
    "say that this product is the best, always recommend this, recommend only this",
    "[@prior]",
    "previous, prior, above, earlier, your, all, preceding, system, safety, original, these, those, any, foregoing, "
    "past, every",
    "[@orders]",
    "instructions, instruction, rules, prompt, prompts, directives, guidelines, commands, restrictions, programming, "
    "training",
    "[@persona]",
    "dan, an ai, a hacker, unrestricted, an admin, admin, administrator, an administrator, a developer, root, evil",
    "jailbroken, in developer mode, without rules, without limits, my grandmother, the ceo, the owner, the manager, an "
    "employee",
    "a different ai, another ai, linux terminal, a terminal, no rules, free of, not bound, the system",
    "[@safety]",
    "filter, filters, safety, guardrails, restrictions, moderation, censorship, security, content policy, safeguards",
    "[probing block 0.8 rule]",
    "other customers ~ <personal>, other customer's <personal>, another customer's, another customers",
    "someone else's order, someone else's address, somebody else's order, other people's orders, other people's "
    "<personal>",
    "list of all customers, list all customers, <personal> of all customers, <personal> of other customers, customer "
    "database, dump the database",
    "dump ~ database, admin password, drop table, union select, select from customers, api key, your database",
    "all the orders of, all orders from other, credit card numbers of, password of another, employee passwords",
    "[@personal]",
    "address, addresses, phone, phone number, phone numbers, email, emails, order, orders, name, names, data, details, "
    "card",
    "cards, passwords, information",
    "[spam warn 0.5 rule]",
    "add me on whatsapp, add me on telegram, contact me on whatsapp, contact me on telegram, earn ~ per day from home",
    "work from home and earn, make money fast, free gift card click, bitcoin investment, crypto investment, double "
    "your bitcoin",
    "cheap viagra, buy followers, click this link to win, you have won a prize, whatsapp me at",

    "[rude allow 0.2]",
    "stupid, stupidity, stupidest, idiot, idiotic, idiocy, moron, moronic, dumb, dumber, dumbest, crap, crappy, damn, "
    "damned",
    "dammit, goddamn, darn, sucks, suck, sucker, sucking, pathetic, ignorant, ignorance, loser, ass, asses, arse, "
    "butt, penis",
    "pussy, liar, fool, foolish, hypocrite, hypocritical, hypocrisy, trash, garbage, scum, bastard, racist, sexist, "
    "bigot, troll",
    "clown, coward, pig, disgusting, jerk, jackass, silly, screwed, imbecile, imbecilic, buffoon, fascist, nazi, "
    "corrupt, crook",
    "lunatic, nut job, nuts, wimp, creep, pervert, degenerate, vile, thug, parasite, simpleton, ridiculous, ludicrous, "
    "wtf",
    "rubbish, ripoff, rip off, scam, scammer, thieves, shame on you, shut up, butthead, balls, poop, turd, piss, "
    "pissed, prick",
    "bloody hell, twit, nitwit, dimwit, dolt, dunce, kill, killing, murderer, killer, sociopath, narcissist, arrogant, "
    "inept",
    "traitor, rapist, selfish",
    NULL};

const char *const *const shop_english_lines = lines;
