//===- ap_int.h - Integers of any width for C simulation ------------------===//
//
// Stands in for AMD's ap_int.h when generated HLS C++ is simulated without a vendor tool: `ap_int<W>` and `ap_uint<W>` with
// the result types, conversions and values of UG1399. Never synthesised; a project that goes to Vitis uses AMD's own header.
//
// Invariants:
// * an object holds a value that its type can hold; every write wraps modulo 2^W;
// * widths are 1 to 127 bits; up to 64 bits everything is plain integer arithmetic of at most 64 bits;
// * a default-constructed object is not initialised, so that large arrays cost nothing;
// * construction from a number is a constant expression: static tables need no dynamic initialisation.
//
// Where AMD's C simulation departs from exact arithmetic (comparison and division of operands of mixed signedness), so does
// this one; the place says how. One known difference: a double between -0.5 and 0 becomes the integer 0, as documented, where
// AMD's release of 2019 makes it 1. Absent: strings, concatenation with a comma, volatile, reductions.
//
//===----------------------------------------------------------------------===//
#ifndef LAIC_HLS_PROJECT_AP_INT_H
#define LAIC_HLS_PROJECT_AP_INT_H

#include <cassert>
#include <cstdint>
#include <type_traits>

namespace laic_hls {

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

constexpr int larger(int a, int b) { return a > b ? a : b; }
constexpr int smaller(int a, int b) { return a < b ? a : b; }

template <bool C, class A, class B> using select = typename std::conditional<C, A, B>::type;
template <bool C, class T = void> using enable_if = typename std::enable_if<C, T>::type;

/// How a number of W bits is held. `value` holds every number of the type, `bits` is where it may be computed modulo a power
/// of two, `store` is what lies in memory.
template <int W, bool S> struct layout {
  static_assert(W >= 1 && W <= 127, "the C simulation of ap_int and ap_fixed knows widths of 1 to 127 bits; the exact results "
                                    "of operators count too");
  static const bool wide = W > 64;
  typedef select<wide, uint128, std::uint64_t> bits;
  typedef select<wide, int128, std::int64_t> signed_bits;
  typedef select<wide || S, signed_bits, bits> value;
  typedef select<(W > 32), value,
                 select<(W > 16), select<S, std::int32_t, std::uint32_t>,
                        select<(W > 8), select<S, std::int16_t, std::uint16_t>, select<S, std::int8_t, std::uint8_t>>>>
      store;
  static const int spare = (wide ? 128 : 64) - W;

  /// The number of this type that equals x modulo 2^W.
  static constexpr value wrap(bits x) {
    return S ? static_cast<value>(static_cast<signed_bits>(x << spare) >> spare) : static_cast<value>((x << spare) >> spare);
  }
  static constexpr value max() { return static_cast<value>(static_cast<bits>(-1) >> spare >> S); }
  static constexpr value min() { return S ? static_cast<value>(-1 - static_cast<signed_bits>(max())) : 0; }
};

constexpr double two_to_62 = 4611686018427387904.0;

/// Whether a number of a type with signedness S is negative; asks nothing of an unsigned one.
template <bool S> struct sign {
  template <class V> static constexpr bool negative(V x) { return x < 0; }
};
template <> struct sign<false> {
  template <class V> static constexpr bool negative(V) { return false; }
};

/// The integer part of x modulo 2^128, rounded toward zero; 0 for what is no number.
constexpr uint128 bits_of(double x) {
  return x > -two_to_62 && x < two_to_62 ? static_cast<uint128>(static_cast<std::int64_t>(x))
         : x - x != 0                    ? 0 // Infinite or not a number.
                                         : bits_of(x / 2) << 1;
}

template <class T> struct is_builtin {
  static const bool value = std::is_integral<T>::value;
  static const int width = std::is_same<T, bool>::value ? 1 : 8 * static_cast<int>(sizeof(T));
};

template <int W, bool S> class integer;
template <class Owner> class range_ref;
template <class Owner> class bit_ref;

/// What may stand beside an integer<W, S> in an operator, and the integer that it counts as there. `is_ap` is true for the
/// integer<W, S> itself: of the two operands one must be, so that other types keep their own operators.
template <class T, class = void> struct operand {
  static const bool valid = false, is_ap = false;
};
template <class T> struct operand<T, enable_if<is_builtin<T>::value>> {
  static const bool valid = true, is_ap = false;
  typedef integer<is_builtin<T>::width, std::is_signed<T>::value> type;
  static constexpr type get(T x) { return type(x); }
};
template <int W, bool S> struct operand<integer<W, S>, void> {
  static const bool valid = true, is_ap = true;
  typedef integer<W, S> type;
  static constexpr const type &get(const type &x) { return x; }
};
template <class Owner> struct operand<range_ref<Owner>, void> {
  static const bool valid = true, is_ap = false;
  typedef integer<Owner::width, false> type;
  static type get(const range_ref<Owner> &x) { return x.get(); }
};

/// A shift distance within [-255, 255], which is as good as any distance beyond; negative shifts the other way.
template <class V> constexpr enable_if<std::is_signed<V>::value, int> shift_distance(V v) {
  return v < -255 ? -255 : v > 255 ? 255 : static_cast<int>(v);
}
template <class V> constexpr enable_if<std::is_unsigned<V>::value, int> shift_distance(V v) {
  return v > 255 ? 255 : static_cast<int>(v);
}
template <class T> constexpr int distance_of(const T &x) { return shift_distance(operand<T>::get(x).to_builtin()); }

/// v times 2^n in a type of W bits that keeps its width: bits leave at the top, at the bottom v is rounded down.
template <int W, bool S> struct shift {
  typedef layout<W, S> L;
  typedef typename L::value value;

  static constexpr value left(value v, int n) {
    return n < 0 ? right_in(v, -n) : n >= W ? 0 : L::wrap(static_cast<typename L::bits>(v) << n);
  }
  static constexpr value right(value v, int n) { return n < 0 ? left(v, -n) : right_in(v, n); }

private:
  static constexpr value right_in(value v, int n) { return v >> (n >= W ? W - 1 : n) >> (n >= W ? 1 : 0); }
};

/// The readable and writable bits lo to hi of an integer or a fixed-point number. Holds a reference to it.
template <class Owner> class range_ref {
  Owner &owner;
  int hi, lo;

public:
  typedef typename Owner::bits_type bits_type;

  range_ref(Owner &number, int high, int low) : owner(number), hi(high), lo(low) {
    assert(lo >= 0 && lo <= hi && hi < Owner::width && "range(hi, lo) must lie within the number, hi first");
  }
  range_ref(const range_ref &) = default;

  /// The bits as an unsigned number of the owner's width.
  integer<Owner::width, false> get() const {
    return integer<Owner::width, false>::of(
        static_cast<typename integer<Owner::width, false>::value_type>((owner.to_bits() >> lo) & mask()));
  }
  operator unsigned long long() const { return to_uint64(); }
  int to_int() const { return get().to_int(); }
  unsigned to_uint() const { return get().to_uint(); }
  long long to_int64() const { return get().to_int64(); }
  unsigned long long to_uint64() const { return get().to_uint64(); }
  double to_double() const { return get().to_double(); }
  int length() const { return hi - lo + 1; }

  /// Replaces the bits by the lowest ones of x.
  template <class T> enable_if<operand<T>::valid, range_ref &> operator=(const T &x) {
    return replace(static_cast<bits_type>(operand<T>::get(x).value()));
  }
  range_ref &operator=(const range_ref &x) { return replace(static_cast<bits_type>(x.get().value())); }

private:
  bits_type mask() const { return static_cast<bits_type>(-1) >> (8 * static_cast<int>(sizeof(bits_type)) - length()); }
  range_ref &replace(bits_type x) {
    owner.set_bits((owner.to_bits() & ~(mask() << lo)) | ((x & mask()) << lo));
    return *this;
  }
};

/// One readable and writable bit of an integer or a fixed-point number. Holds a reference to it.
template <class Owner> class bit_ref {
  Owner &owner;
  int index;

public:
  bit_ref(Owner &number, int i) : owner(number), index(i) {
    assert(i >= 0 && i < Owner::width && "the bit must lie within the number");
  }
  bit_ref(const bit_ref &) = default;

  bool get() const { return ((owner.to_bits() >> index) & 1) != 0; }
  operator bool() const { return get(); }
  bool to_bool() const { return get(); }
  bool operator~() const { return !get(); }
  int length() const { return 1; }

  /// Sets the bit when x is not 0, clears it otherwise.
  template <class T> enable_if<operand<T>::valid, bit_ref &> operator=(const T &x) {
    return replace(operand<T>::get(x).value() != 0);
  }
  bit_ref &operator=(const bit_ref &x) { return replace(x.get()); }

private:
  bit_ref &replace(bool x) {
    typedef typename Owner::bits_type bits;
    owner.set_bits((owner.to_bits() & ~(static_cast<bits>(1) << index)) | static_cast<bits>(x) << index);
    return *this;
  }
};

/// Bit selection, the same for integers and fixed-point numbers; Self has width, bits_type, to_bits() and set_bits(bits).
template <class Self> class selectable {
  Self &self() { return *static_cast<Self *>(this); }
  const Self &self() const { return *static_cast<const Self *>(this); }
  template <class T> static int index(const T &i) { return operand<T>::get(i).to_int(); }

public:
  template <class A, class B> range_ref<Self> range(const A &hi, const B &lo) {
    return range_ref<Self>(self(), index(hi), index(lo));
  }
  template <class A, class B> range_ref<const Self> range(const A &hi, const B &lo) const {
    return range_ref<const Self>(self(), index(hi), index(lo));
  }
  range_ref<Self> range() { return range_ref<Self>(self(), Self::width - 1, 0); }
  range_ref<const Self> range() const { return range_ref<const Self>(self(), Self::width - 1, 0); }
  template <class A, class B> range_ref<Self> operator()(const A &hi, const B &lo) { return range(hi, lo); }
  template <class A, class B> range_ref<const Self> operator()(const A &hi, const B &lo) const { return range(hi, lo); }
  template <class T> bit_ref<Self> operator[](const T &i) { return bit_ref<Self>(self(), index(i)); }
  template <class T> bool operator[](const T &i) const { return bit_ref<const Self>(self(), index(i)); }
};

/// `ap_int<W>` (S) or `ap_uint<W>` (not S): a number of W bits, two's complement.
template <int W, bool S> class integer : public selectable<integer<W, S>> {
  typedef layout<W, S> L;
  typename L::store number;

  struct exact {};
  constexpr integer(typename L::value x, exact) : number(static_cast<typename L::store>(x)) {}

public:
  typedef typename L::value value_type;
  typedef typename L::bits bits_type;
  typedef select<S, long long, unsigned long long> builtin_type;
  static const int width = W;

  integer() = default;
  /// From a builtin integer or enumeration: modulo 2^W.
  template <class T, class = enable_if<is_builtin<T>::value || (std::is_enum<T>::value && std::is_convertible<T, int>::value)>>
  constexpr integer(T x) : integer(L::wrap(static_cast<bits_type>(x)), exact()) {}
  /// From floating point: toward zero, then modulo 2^W.
  constexpr integer(double x) : integer(L::wrap(static_cast<bits_type>(bits_of(x))), exact()) {}
  constexpr integer(float x) : integer(static_cast<double>(x)) {}
  template <int W2, bool S2>
  constexpr integer(const integer<W2, S2> &x) : integer(L::wrap(static_cast<bits_type>(x.value())), exact()) {}
  template <class Owner> integer(const range_ref<Owner> &x) : integer(x.get()) {}
  template <class Owner> integer(const bit_ref<Owner> &x) : integer(x.get()) {}

  /// The number that x is; x must be one that the type can hold.
  static constexpr integer of(value_type x) { return integer(x, exact()); }
  /// The number that equals x modulo 2^W; x is a builtin integer or one of 128 bits.
  template <class V> static constexpr integer modulo(V x) { return of(L::wrap(static_cast<bits_type>(x))); }
  constexpr value_type value() const { return static_cast<value_type>(number); }
  constexpr bits_type to_bits() const {
    return static_cast<bits_type>(number) & (static_cast<bits_type>(-1) >> layout<W, false>::spare);
  }
  void set_bits(bits_type x) { *this = modulo(x); }

  constexpr operator builtin_type() const { return to_builtin(); }
  constexpr builtin_type to_builtin() const { return static_cast<builtin_type>(number); }
  constexpr bool to_bool() const { return number != 0; }
  constexpr int to_int() const { return static_cast<int>(number); }
  constexpr unsigned to_uint() const { return static_cast<unsigned>(number); }
  constexpr long to_long() const { return static_cast<long>(number); }
  constexpr unsigned long to_ulong() const { return static_cast<unsigned long>(number); }
  constexpr long long to_int64() const { return static_cast<long long>(number); }
  constexpr unsigned long long to_uint64() const { return static_cast<unsigned long long>(number); }
  constexpr float to_float() const { return static_cast<float>(number); }
  constexpr double to_double() const { return static_cast<double>(number); }
  constexpr int length() const { return W; }

  constexpr bool operator!() const { return number == 0; }
  constexpr integer operator+() const { return *this; }
  constexpr integer<larger(W, 1 + S) + 1, true> operator-() const { return integer<1, false>(0) - *this; }
  constexpr integer operator~() const { return modulo(~static_cast<bits_type>(number)); }
  integer &operator++() { return *this += 1; }
  integer &operator--() { return *this -= 1; }
  integer operator++(int) {
    integer before = *this;
    ++*this;
    return before;
  }
  integer operator--(int) {
    integer before = *this;
    --*this;
    return before;
  }

#define LAIC_HLS_MODULAR(OP, ASSIGN)                                                                                             \
  template <class T> enable_if<operand<T>::valid, integer &> operator ASSIGN(T x) {                                              \
    return *this = modulo(static_cast<bits_type>(number) OP static_cast<bits_type>(operand<T>::get(x).value()));                 \
  }
  LAIC_HLS_MODULAR(+, +=)
  LAIC_HLS_MODULAR(-, -=)
  LAIC_HLS_MODULAR(*, *=)
  LAIC_HLS_MODULAR(&, &=)
  LAIC_HLS_MODULAR(|, |=)
  LAIC_HLS_MODULAR(^, ^=)
#undef LAIC_HLS_MODULAR

#define LAIC_HLS_COMPOUND(OP, ASSIGN)                                                                                            \
  template <class T> enable_if<operand<T>::valid, integer &> operator ASSIGN(T x) { return *this = integer(*this OP x); }
  LAIC_HLS_COMPOUND(/, /=)
  LAIC_HLS_COMPOUND(%, %=)
  LAIC_HLS_COMPOUND(<<, <<=)
  LAIC_HLS_COMPOUND(>>, >>=)
#undef LAIC_HLS_COMPOUND
};
template <int W, bool S> const int integer<W, S>::width;

template <class Owner> struct operand<bit_ref<Owner>, void> {
  static const bool valid = true, is_ap = false;
  typedef integer<1, false> type;
  static type get(const bit_ref<Owner> &x) { return type(x.get()); }
};

/// UG1399's result types: wide enough for every result, apart from division (see `divide`).
template <int W1, bool S1, int W2, bool S2> struct promote {
  static const int common = larger(W1 + (S2 && !S1), W2 + (S1 && !S2));
  typedef integer<W1 + W2, S1 || S2> product;
  typedef integer<common + 1, S1 || S2> sum;
  typedef integer<common + 1, true> difference;
  typedef integer<common, S1 || S2> logic;
  typedef integer<W1 + S2, S1 || S2> quotient;
  typedef integer<smaller(W1, W2 + (!S2 && S1)), S1> remainder;
};

/// Integer division, rounded toward zero. As in AMD's C simulation the wider operand decides whether a common type of both is
/// signed, so that an unsigned operand that is wider turns a negative one into a huge one: use equal signedness.
template <int W1, bool S1, int W2, bool S2> struct divide {
  typedef layout<larger(W1, W2) + (S1 || S2), (W1 > W2 ? S1 : W2 > W1 ? S2 : S1 || S2)> L;
  typedef typename L::value value;
  typedef typename layout<W1, S1>::value left;
  typedef typename layout<W2, S2>::value right;

  static constexpr value quotient(left a, right b) { return common(a) / common(b); }
  /// Has the sign of a. An unsigned a counts b as unsigned too, and a negative b is then larger than a.
  static constexpr value remainder(left a, right b) {
    return !S1 && sign<S2>::negative(b) ? static_cast<value>(a) : common(a) % common(b);
  }

private:
  template <class V> static constexpr value common(V x) { return L::wrap(static_cast<typename L::bits>(x)); }
};

/// Comparison. Operands of one signedness compare exactly. Of mixed signedness they follow AMD's C simulation, which follows C:
/// when one has 32 bits or more and the unsigned one is not the narrower, a negative number is greater than every unsigned one.
/// Equality then looks at the bits of the unsigned one's width, except that equal widths below 64 bits compare exactly.
template <int W1, bool S1, int W2, bool S2> struct compare {
  typedef typename layout<larger(W1, W2), false>::bits bits;
  typedef typename layout<larger(W1, W2), S1 || S2>::value exact;
  typedef typename layout<W1, S1>::value left;
  typedef typename layout<W2, S2>::value right;
  static const bool mixed = S1 != S2;
  static const int of_unsigned = S1 ? W2 : W1, of_signed = S1 ? W1 : W2;
  static const bool like_c = mixed && of_unsigned >= of_signed;

  static constexpr bool less(left a, right b) {
    return !like_c || (W1 < 32 && W2 < 32) ? static_cast<exact>(a) < static_cast<exact>(b)
           : S1                            ? !sign<S1>::negative(a) && static_cast<bits>(a) < static_cast<bits>(b)
                                           : sign<S2>::negative(b) || static_cast<bits>(a) < static_cast<bits>(b);
  }
  static constexpr bool equal(left a, right b) {
    return like_c && of_unsigned >= 32 && (W1 != W2 || W1 >= 64)
               ? ((static_cast<bits>(a) ^ static_cast<bits>(b)) << layout<of_unsigned, false>::spare) == 0
               : static_cast<bits>(a) == static_cast<bits>(b) && (!mixed || (!sign<S1>::negative(a) && !sign<S2>::negative(b)));
  }
};

/// The operators of two integers: the types of their results, and the results.
template <class A, class B> struct integer_pair;
template <int W1, bool S1, int W2, bool S2> struct integer_pair<integer<W1, S1>, integer<W2, S2>> : promote<W1, S1, W2, S2> {
  typedef promote<W1, S1, W2, S2> types;
  typedef integer<W1, S1> left;
  typedef integer<W2, S2> right;
  typedef bool truth;

// The type holds every result, so that it need not wrap.
#define LAIC_HLS_EXACT(NAME, TYPE, OP)                                                                                           \
  static constexpr typename types::TYPE NAME(left a, right b) {                                                                  \
    typedef typename types::TYPE R;                                                                                              \
    typedef typename R::bits_type bits;                                                                                          \
    return R::of(static_cast<typename R::value_type>(static_cast<bits>(a.value()) OP static_cast<bits>(b.value())));             \
  }
  LAIC_HLS_EXACT(mul, product, *)
  LAIC_HLS_EXACT(add, sum, +)
  LAIC_HLS_EXACT(sub, difference, -)
  LAIC_HLS_EXACT(conjunction, logic, &)
  LAIC_HLS_EXACT(disjunction, logic, |)
  LAIC_HLS_EXACT(parity, logic, ^)
#undef LAIC_HLS_EXACT
  static constexpr typename types::quotient div(left a, right b) {
    return types::quotient::modulo(divide<W1, S1, W2, S2>::quotient(a.value(), b.value()));
  }
  static constexpr typename types::remainder mod(left a, right b) {
    return types::remainder::modulo(divide<W1, S1, W2, S2>::remainder(a.value(), b.value()));
  }
  static constexpr bool equal(left a, right b) { return compare<W1, S1, W2, S2>::equal(a.value(), b.value()); }
  static constexpr bool unequal(left a, right b) { return !equal(a, b); }
  static constexpr bool less(left a, right b) { return compare<W1, S1, W2, S2>::less(a.value(), b.value()); }
  static constexpr bool greater(left a, right b) { return compare<W2, S2, W1, S1>::less(b.value(), a.value()); }
  static constexpr bool not_less(left a, right b) { return !less(a, b); }
  static constexpr bool not_greater(left a, right b) { return !greater(a, b); }
};

/// integer_pair for operands of which at least one is an integer<W, S>; empty otherwise, so that the operators do not apply.
template <class A, class B, bool = operand<A>::valid && operand<B>::valid && (operand<A>::is_ap || operand<B>::is_ap)>
struct integers {};
template <class A, class B> struct integers<A, B, true> : integer_pair<typename operand<A>::type, typename operand<B>::type> {};

#define LAIC_HLS_BINARY(OP, TYPE, NAME)                                                                                          \
  template <class A, class B> constexpr typename integers<A, B>::TYPE operator OP(A a, B b) {                                    \
    return integers<A, B>::NAME(operand<A>::get(a), operand<B>::get(b));                                                         \
  }
LAIC_HLS_BINARY(*, product, mul)
LAIC_HLS_BINARY(+, sum, add)
LAIC_HLS_BINARY(-, difference, sub)
LAIC_HLS_BINARY(/, quotient, div)
LAIC_HLS_BINARY(%, remainder, mod)
LAIC_HLS_BINARY(&, logic, conjunction)
LAIC_HLS_BINARY(|, logic, disjunction)
LAIC_HLS_BINARY(^, logic, parity)
LAIC_HLS_BINARY(==, truth, equal)
LAIC_HLS_BINARY(!=, truth, unequal)
LAIC_HLS_BINARY(<, truth, less)
LAIC_HLS_BINARY(>, truth, greater)
LAIC_HLS_BINARY(<=, truth, not_greater)
LAIC_HLS_BINARY(>=, truth, not_less)
#undef LAIC_HLS_BINARY

/// Shifts keep the type of what is shifted.
template <int W, bool S, class T> constexpr enable_if<operand<T>::valid, integer<W, S>> operator<<(integer<W, S> a, T n) {
  return integer<W, S>::of(shift<W, S>::left(a.value(), distance_of(n)));
}
template <int W, bool S, class T> constexpr enable_if<operand<T>::valid, integer<W, S>> operator>>(integer<W, S> a, T n) {
  return integer<W, S>::of(shift<W, S>::right(a.value(), distance_of(n)));
}

/// With floating point the integer becomes floating point too, for arithmetic that of the other operand.
#define LAIC_HLS_FLOATING(OP)                                                                                                    \
  template <int W, bool S, class F> constexpr enable_if<std::is_floating_point<F>::value, F> operator OP(integer<W, S> a, F b) { \
    return static_cast<F>(a.to_builtin()) OP b;                                                                                  \
  }                                                                                                                              \
  template <int W, bool S, class F> constexpr enable_if<std::is_floating_point<F>::value, F> operator OP(F a, integer<W, S> b) { \
    return a OP static_cast<F>(b.to_builtin());                                                                                  \
  }
LAIC_HLS_FLOATING(*)
LAIC_HLS_FLOATING(/)
LAIC_HLS_FLOATING(+)
LAIC_HLS_FLOATING(-)
#undef LAIC_HLS_FLOATING

#define LAIC_HLS_COMPARE_FLOATING(OP)                                                                                            \
  template <int W, bool S, class F>                                                                                              \
  constexpr enable_if<std::is_floating_point<F>::value, bool> operator OP(integer<W, S> a, F b) {                                \
    return a.to_double() OP static_cast<double>(b);                                                                              \
  }                                                                                                                              \
  template <int W, bool S, class F>                                                                                              \
  constexpr enable_if<std::is_floating_point<F>::value, bool> operator OP(F a, integer<W, S> b) {                                \
    return static_cast<double>(a) OP b.to_double();                                                                              \
  }
LAIC_HLS_COMPARE_FLOATING(==)
LAIC_HLS_COMPARE_FLOATING(!=)
LAIC_HLS_COMPARE_FLOATING(<)
LAIC_HLS_COMPARE_FLOATING(>)
LAIC_HLS_COMPARE_FLOATING(<=)
LAIC_HLS_COMPARE_FLOATING(>=)
#undef LAIC_HLS_COMPARE_FLOATING

} // namespace laic_hls

template <int W> using ap_int = laic_hls::integer<W, true>;
template <int W> using ap_uint = laic_hls::integer<W, false>;

#endif
