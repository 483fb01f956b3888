package remoting

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
)

// Object identifiers of PKCS #5 version 2 (RFC 8018), which encrypted PKCS #8
// keys use. The standard library reads such keys only in the clear.
var (
	oidPBES2   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidHMAC    = asn1.ObjectIdentifier{1, 2, 840, 113549, 2}
	oid3DES    = asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}
	oidAES     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1}
	pkcs8Hash  = map[int]func() hash.Hash{7: sha1.New, 9: sha256.New, 10: sha512.New384, 11: sha512.New} // by the last number of oidHMAC
	aesKeySize = map[int]int{2: 16, 22: 24, 42: 32}                                                      // CBC, by the last number of oidAES
)

// maxRounds bounds the work that a key file can ask for; tools write some
// thousands to a million.
const maxRounds = 10_000_000

type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

type pbes2 struct {
	Derivation, Cipher pkix.AlgorithmIdentifier
}

type pbkdf2Params struct {
	Salt      []byte
	Rounds    int
	KeyLength int                      `asn1:"optional"`
	Hash      pkix.AlgorithmIdentifier `asn1:"optional"`
}

// openPKCS8 decrypts an EncryptedPrivateKeyInfo and returns the PrivateKeyInfo
// inside. A wrong password is mostly noticed by the padding, else by whoever
// parses the result.
func openPKCS8(der []byte, password string) ([]byte, error) {
	if password == "" {
		return nil, errors.New("the key is encrypted and no password is given")
	}
	var key encryptedKey
	if _, err := asn1.Unmarshal(der, &key); err != nil {
		return nil, fmt.Errorf("the encrypted key cannot be parsed: %w", err)
	}
	if !key.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("the key is encrypted by the method %s; write it again with openssl pkcs8 -topk8 -v2 aes-256-cbc", key.Algorithm.Algorithm)
	}
	var method pbes2
	if _, err := asn1.Unmarshal(key.Algorithm.Parameters.FullBytes, &method); err != nil {
		return nil, fmt.Errorf("the encryption of the key cannot be parsed: %w", err)
	}
	newBlock, size, err := keyCipher(method.Cipher.Algorithm)
	if err != nil {
		return nil, err
	}
	secret, err := deriveKey(method.Derivation, password, size)
	if err != nil {
		return nil, err
	}
	block, err := newBlock(secret)
	if err != nil {
		return nil, err
	}
	var iv []byte
	if _, err := asn1.Unmarshal(method.Cipher.Parameters.FullBytes, &iv); err != nil || len(iv) != block.BlockSize() {
		return nil, errors.New("the encryption of the key has no proper initial vector")
	}
	return decryptCBC(block, iv, key.Data)
}

func keyCipher(oid asn1.ObjectIdentifier) (newBlock func([]byte) (cipher.Block, error), size int, err error) {
	if oid.Equal(oid3DES) {
		return des.NewTripleDESCipher, 24, nil
	}
	if size, ok := aesKeySize[lastOf(oid, oidAES)]; ok {
		return aes.NewCipher, size, nil
	}
	return nil, 0, fmt.Errorf("the key is encrypted with the cipher %s; write it again with openssl pkcs8 -topk8 -v2 aes-256-cbc", oid)
}

// deriveKey makes a key of the password.
func deriveKey(method pkix.AlgorithmIdentifier, password string, size int) ([]byte, error) {
	if !method.Algorithm.Equal(oidPBKDF2) {
		return nil, fmt.Errorf("the key's password goes through the method %s; write it again with openssl pkcs8 -topk8 -v2 aes-256-cbc", method.Algorithm)
	}
	var p pbkdf2Params
	if _, err := asn1.Unmarshal(method.Parameters.FullBytes, &p); err != nil {
		return nil, fmt.Errorf("the encryption of the key cannot be parsed: %w", err)
	}
	if p.Rounds < 1 || p.Rounds > maxRounds {
		return nil, fmt.Errorf("the encryption of the key asks for %d rounds", p.Rounds)
	}
	newHash := sha1.New
	if p.Hash.Algorithm != nil {
		var ok bool
		if newHash, ok = pkcs8Hash[lastOf(p.Hash.Algorithm, oidHMAC)]; !ok {
			return nil, fmt.Errorf("the encryption of the key uses the hash %s, which is not known", p.Hash.Algorithm)
		}
	}
	return pbkdf2.Key(newHash, password, p.Salt, p.Rounds, size)
}

// lastOf is the last number of an identifier that stands directly below above, or -1.
func lastOf(oid, above asn1.ObjectIdentifier) int {
	if n := len(above); len(oid) == n+1 && oid[:n].Equal(above) {
		return oid[n]
	}
	return -1
}

// decryptCBC decrypts and takes off the padding of PKCS #7.
func decryptCBC(block cipher.Block, iv, data []byte) ([]byte, error) {
	if len(data) == 0 || len(data)%block.BlockSize() != 0 {
		return nil, errors.New("the encrypted key is cut off")
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > block.BlockSize() {
		return nil, errors.New("the password does not open the key")
	}
	return plain[:len(plain)-padding], nil
}
