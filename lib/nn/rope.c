/* Rotary position embedding: frequencies when a network is loaded, rotations once for all layers of a forward pass. */
#include <math.h>

#include "nn/nn.h"

/* Transformers computes in float32: theta^(2 i / n_dims), and its inverse. */
static float period(double theta, size_t n_dims, size_t i) {
    const float exponent = (float)(2 * i) / (float)n_dims;
    return (float)pow((double)(float)theta, (double)exponent);
}
static float plain_frequency(double theta, size_t n_dims, size_t i) { return 1.0f / period(theta, n_dims, i); }

/* _compute_llama3_parameters: long wavelengths are divided by the factor, those between two bounds in part. */
static float llama3_frequency(const ll_rope_spec *s, float plain) {
    const float two_pi = 6.28318530717958647692f, wavelength = two_pi / plain;
    const double longest = s->original_positions / s->low_factor, shortest = s->original_positions / s->high_factor;
    const float slow = plain / (float)s->factor;
    if ((double)wavelength > longest) return slow;
    if ((double)wavelength < shortest) return plain;
    const float smooth =
        ((float)s->original_positions / wavelength - (float)s->low_factor) / (float)(s->high_factor - s->low_factor);
    return (1.0f - smooth) * slow + smooth * plain;
}

/* The dimension whose wavelength fits n_rotations times into the original positions. */
static double yarn_dimension(const ll_rope_spec *s, double n_rotations) {
    const double two_pi = 6.28318530717958647692;
    return (double)s->n_dims * log(s->original_positions / (n_rotations * two_pi)) / (2 * log(s->theta));
}

/* _compute_yarn_parameters: a ramp from the plain frequencies of short wavelengths to the divided ones of long. */
static float yarn_frequency(const ll_rope_spec *s, size_t i) {
    double low = yarn_dimension(s, s->beta_fast > 0 ? s->beta_fast : 32);
    double high = yarn_dimension(s, s->beta_slow > 0 ? s->beta_slow : 1);
    if (!s->keep_fractions) {
        low = floor(low);
        high = ceil(high);
    }
    low = fmax(low, 0);
    high = fmin(high, (double)s->n_dims - 1);
    if (low == high) high += 0.001;
    const float ramp = ((float)i - (float)low) / (float)(high - low);
    const float keep = ramp < 0.0f ? 1.0f : ramp > 1.0f ? 0.0f : 1.0f - ramp, plain = period(s->theta, s->n_dims, i);
    return 1.0f / ((float)s->factor * plain) * (1.0f - keep) + 1.0f / plain * keep;
}

float ll_rope_frequencies(const ll_rope_spec *s, float *inverse) {
    for (size_t i = 0; i < s->n_dims / 2; i++) {
        const float plain = plain_frequency(s->theta, s->n_dims, i);
        switch (s->scaling) {
            case LL_ROPE_LINEAR:
                inverse[i] = plain / (float)s->factor;
                break;
            case LL_ROPE_NTK:
                inverse[i] = plain_frequency(s->theta * s->factor, s->n_dims, i) /
                             (float)pow(s->factor, 2.0 / (double)s->n_dims);
                break;
            case LL_ROPE_LLAMA3:
                inverse[i] = llama3_frequency(s, plain);
                break;
            case LL_ROPE_YARN:
                inverse[i] = yarn_frequency(s, i);
                break;
            case LL_ROPE_FACTORS:
                inverse[i] = plain / s->factors[i];
                break;
            case LL_ROPE_PLAIN:
                inverse[i] = plain;
                break;
        }
    }
    if (s->scaling != LL_ROPE_YARN) return 1.0f;
    if (s->attention_factor > 0) return (float)s->attention_factor;
    return s->factor > 1 ? (float)(0.1 * log(s->factor) + 1.0) : 1.0f;
}

static void rotation_of(const ll_rope *rope, size_t position, float *row) {
    const size_t half = rope->n_dims / 2;
    for (size_t i = 0; i < half; i++) {
        const double angle = (double)((float)position * rope->inverse[i]);
        row[i] = (float)cos(angle) * rope->scale;
        row[half + i] = (float)sin(angle) * rope->scale;
    }
}

void ll_rope_rows(const ll_exec *exec, const ll_rope *rope, const ll_segment *segments, size_t n_segments,
                  float *rows) {
    const size_t size = (size_t)exec->team->size, index = (size_t)exec->team->index;
    for (size_t s = 0; s < n_segments; s++)
        for (size_t r = 0; r < segments[s].n_rows; r++)
            if ((segments[s].first_row + r) % size == index)
                rotation_of(rope, segments[s].first_position + r, rows + (segments[s].first_row + r) * rope->n_dims);
}
