/* Detects other languages by their scripts and by their most frequent small words. */
#include "shop/spelling/foreign.h"

#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

#include "shop/base/utf8.h"

enum { MAX_WORD = 24, LEAST_WORDS = 2, LEAST_LETTERS = 2 };

/* Words that are not used in English. Without accents: "où" is "ou". */
static const char *const small_words[] = {
    /* German */
    "der das und ist nicht ich mein meine meinen wie lange wo wann kann kannst konnen haben habe mochte bitte ein eine "
    "einen einem auf mit von dem wird sind auch noch gibt nach zuruck bestellung lieferung paket dauert wir "
    "sie mir mich geld warum welche kostet versand",
    /* French */
    "le les du pas que qui je vous nous ma mes votre vos une dans avec quel quels quelle quelles combien ou quand "
    "commande livraison colis bonjour merci moyens voudrais veux puis cette mon sont pourquoi retourner",
    /* Spanish, Portuguese, Italian */
    "los las por para mi su cuanto cuanta donde esta quiero pedido envio como hola gracias del cuando puedo tengo mis "
    "producto devolver comprar quanto onde uma meu minha com preciso ajuda nao obrigado voce quero posso entrega il "
    "gli "
    "che mio mia vorrei quanto ordine spedizione grazie sono posso della un el la sobre tarda llega",
    /* Dutch, Swedish, Polish, Turkish, Malay */
    "het een ik mijn niet waar wanneer bestelling pakket graag jag mitt hur nar inte var gdzie jest moje kiedy nie jak "
    "chce zamowienie nerede zaman siparisim iade nasil icin saya apa bagaimana berapa pesanan kapan tidak yang",
    /* Vietnamese */
    "toi khong cua khi bao nao duoc"};

static bool is_small_word(const char *word, size_t len) {
    for (size_t i = 0; i < sizeof small_words / sizeof *small_words; i++)
        for (const char *at = small_words[i]; *at;) {
            const size_t n = strcspn(at, " ");
            if (n == len && !memcmp(at, word, len)) return true;
            at += n + (at[n] == ' ');
        }
    return false;
}

/* True for letters of scripts other than Latin and Han. */
static bool is_other_script(uint32_t c) {
    return (c >= 0x370 && c <= 0x1fff && !(c >= 0x1e00 && c <= 0x1eff)) || (c >= 0x3041 && c <= 0x30fa) ||
           (c >= 0xac00 && c <= 0xd7a3);
}

/* The letter a to z without case and accent; 0 for other characters. */
static char plain_letter(uint32_t c) {
    utf8proc_int32_t parts[8];
    int last_class = 0;
    if (c < 0x80) return (c >= 'a' && c <= 'z') ? (char)c : (c >= 'A' && c <= 'Z') ? (char)(c | 0x20) : 0;
    if (c > 0x1eff) return 0;
    const utf8proc_ssize_t n = utf8proc_decompose_char(
        (utf8proc_int32_t)c, parts, 8, UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK, &last_class);
    return n > 0 && parts[0] >= 'a' && parts[0] <= 'z' ? (char)parts[0] : 0;
}

bool shop_is_foreign(const char *text, size_t n) {
    size_t words = 0, letters = 0, len = 0;
    char word[MAX_WORD], last[MAX_WORD] = "";
    for (size_t i = 0; i <= n;) {
        uint32_t c = ' ';
        const size_t step = i < n ? shop_utf8_decode((const unsigned char *)text + i, n - i, &c) : 1;
        const char letter = plain_letter(c);
        i += step;
        letters += is_other_script(c);
        if (letter) {
            if (len < MAX_WORD) word[len] = letter;
            len++;
            continue;
        }
        /* A word counts once if it is repeated. */
        const bool again = len < MAX_WORD && strlen(last) == len && !memcmp(last, word, len);
        if (len && len < MAX_WORD && !again && is_small_word(word, len)) {
            words++;
            memcpy(last, word, len);
            last[len] = 0;
        }
        len = 0;
    }
    return words >= LEAST_WORDS || letters >= LEAST_LETTERS;
}
