//! Photos for the web: taken in as JPEG or PNG of any size, given out within 800×600 as JPEG or
//! lossy WebP.
//!
//! The `image` crate writes only lossless WebP, which for a photo is several times the JPEG's size;
//! so WebP is left to libwebp. Resizing is Lanczos, as the incident service's document asks.

use std::io::Cursor;

use bytes::Bytes;
use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::codecs::jpeg::JpegEncoder;
use image::{ImageReader, RgbImage};

use super::MediaError;

/// Unpacked pixels, so that a small file cannot fill the memory: 50 million are 150 MB.
const PIXELS_MAX: u64 = 50_000_000;

/// How large a photo is given out, and how well it is kept: a thumbnail is looked at for less long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PhotoSize {
    Main,
    Thumbnail,
}

impl PhotoSize {
    /// The width and height of the box into which it is made to fit.
    pub(crate) const fn fit(self) -> (u32, u32) {
        match self {
            Self::Main => (800, 600),
            Self::Thumbnail => (200, 150),
        }
    }

    /// The quality of a JPEG, and of a WebP that looks like it.
    const fn qualities(self) -> (u8, f32) {
        match self {
            Self::Main => (85, 80.0),
            Self::Thumbnail => (75, 70.0),
        }
    }
}

/// What a photo is given out as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PhotoFormat {
    Jpeg,
    Webp,
}

impl PhotoFormat {
    /// WebP for clients that say they take it, as a type of its own: `image/*` was said by browsers
    /// that could not show it.
    pub(crate) fn accepted(accept: Option<&str>) -> Self {
        let types = accept.unwrap_or_default().split(',').map(|part| {
            let mut parameters = part.split(';').map(str::trim);
            let media_type = parameters.next().unwrap_or_default();
            let refused = parameters.any(|parameter| {
                parameter.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
            });
            (media_type, refused)
        });
        let takes_webp =
            types.into_iter().any(|(name, refused)| name.eq_ignore_ascii_case("image/webp") && !refused);
        if takes_webp { Self::Webp } else { Self::Jpeg }
    }

    /// The name in cache keys.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
        }
    }

    /// The media type.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }
}

/// Makes a photo fit for the web.
pub(crate) fn for_web(source: &[u8], format: PhotoFormat) -> Result<Bytes, MediaError> {
    encode(&fit(unpack(source)?, PhotoSize::Main)?, format, PhotoSize::Main)
}

/// Reads a picture; transparency is dropped.
pub(crate) fn unpack(source: &[u8]) -> Result<RgbImage, MediaError> {
    let reader = || {
        let reader = ImageReader::new(Cursor::new(source)).with_guessed_format();
        reader.map_err(|error| MediaError::Unreadable(error.into()))
    };
    let (width, height) = reader()?.into_dimensions().map_err(MediaError::Unreadable)?;
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(MediaError::TooLarge { width, height, max: PIXELS_MAX / 1_000_000 });
    }
    Ok(reader()?.decode().map_err(MediaError::Unreadable)?.into_rgb8())
}

/// The photo within the box of its size, its proportions kept; a small one is left as it is.
pub(crate) fn fit(photo: RgbImage, size: PhotoSize) -> Result<RgbImage, MediaError> {
    let (width_max, height_max) = size.fit();
    let (width, height) = photo.dimensions();
    let scale = f64::min(f64::from(width_max) / f64::from(width), f64::from(height_max) / f64::from(height));
    if scale >= 1.0 {
        return Ok(photo);
    }
    let scaled = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
    let not_made = |reason: String| MediaError::NotMade { what: "smaller photo", reason };
    let source = Image::from_vec_u8(width, height, photo.into_raw(), PixelType::U8x3)
        .map_err(|error| not_made(error.to_string()))?;
    let mut small = Image::new(scaled(width), scaled(height), PixelType::U8x3);
    let lanczos = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new().resize(&source, &mut small, &lanczos).map_err(|error| not_made(error.to_string()))?;
    let (width, height) = (small.width(), small.height());
    RgbImage::from_raw(width, height, small.into_vec())
        .ok_or_else(|| not_made("its size is wrong".to_owned()))
}

/// Packs a photo as well as its size deserves.
pub(crate) fn encode(photo: &RgbImage, format: PhotoFormat, size: PhotoSize) -> Result<Bytes, MediaError> {
    let (width, height) = photo.dimensions();
    let (jpeg_quality, webp_quality) = size.qualities();
    match format {
        PhotoFormat::Jpeg => {
            let mut out = Vec::with_capacity(128 * 1024);
            let encoded = JpegEncoder::new_with_quality(&mut out, jpeg_quality).encode_image(photo);
            encoded.map_err(|error| MediaError::NotMade { what: "JPEG", reason: error.to_string() })?;
            Ok(out.into())
        }
        PhotoFormat::Webp => {
            let encoded = webp::Encoder::from_rgb(photo, width, height).encode_simple(false, webp_quality);
            let memory = encoded
                .map_err(|error| MediaError::NotMade { what: "WebP", reason: format!("{error:?}") })?;
            Ok(Bytes::copy_from_slice(&memory))
        }
    }
}

/// A made-up photo with broad shades, edges and grain, as a camera's has, from its number.
pub(crate) fn made_up(number: u64, width: u32, height: u32) -> RgbImage {
    let phase = (number % 97) as f32;
    RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
        let shade = ((u * 7.0 + phase).sin() + (v * 5.0 - phase).cos()) * 40.0;
        let edge = if (u * 11.0 + phase).sin() * (v * 9.0).cos() > 0.4 { 45.0 } else { 0.0 };
        // A cheap hash of the place: grain that no formula above can predict.
        let mut grain =
            u64::from(x).wrapping_mul(0x9E37_79B9) ^ u64::from(y).wrapping_mul(0x85EB_CA6B) ^ number;
        grain ^= grain >> 15;
        let grain = (grain.wrapping_mul(0x2C1B_3C6D) >> 20) % 13;
        let channel =
            |base: f32, tilt: f32| (base + shade + edge + tilt * v + grain as f32).clamp(0.0, 255.0) as u8;
        image::Rgb([channel(96.0, 40.0), channel(104.0, 10.0), channel(112.0, -30.0)])
    })
}

#[cfg(test)]
mod tests {
    use image::ImageFormat;

    use super::*;

    fn jpeg(photo: &RgbImage) -> Bytes {
        encode(photo, PhotoFormat::Jpeg, PhotoSize::Main).expect("a JPEG")
    }

    #[test]
    fn a_large_photo_is_made_to_fit_and_keeps_its_proportions() {
        for ((width, height), expected) in [
            ((1_600, 1_200), (800, 600)),
            ((3_000, 100), (800, 27)),
            ((100, 3_000), (20, 600)),
            ((800, 600), (800, 600)),
            ((10, 10), (10, 10)),
        ] {
            let small = fit(made_up(1, width, height), PhotoSize::Main).expect("a photo");
            assert_eq!(small.dimensions(), expected, "{width}×{height}");
        }
    }

    #[test]
    fn webp_is_smaller_than_jpeg_and_both_can_be_read() {
        let source = jpeg(&made_up(7, 1_600, 1_200));
        let as_jpeg = for_web(&source, PhotoFormat::Jpeg).expect("a JPEG");
        let as_webp = for_web(&source, PhotoFormat::Webp).expect("a WebP");
        assert!(as_webp.len() < as_jpeg.len(), "{} against {}", as_webp.len(), as_jpeg.len());
        assert_eq!(image::guess_format(&as_jpeg).expect("known"), ImageFormat::Jpeg);
        assert_eq!(unpack(&as_jpeg).expect("readable").dimensions(), PhotoSize::Main.fit());
        assert_eq!((&as_webp[..4], &as_webp[8..12]), (&b"RIFF"[..], &b"WEBP"[..]));
        // "VP8 " and not "VP8L": lossy.
        assert_eq!(&as_webp[12..16], b"VP8 ");
    }

    #[test]
    fn a_transparent_png_becomes_an_opaque_photo() {
        let mut png = Vec::new();
        let transparent = image::RgbaImage::from_pixel(4, 4, image::Rgba([200, 100, 50, 128]));
        transparent.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).expect("a PNG");
        assert!(for_web(&png, PhotoFormat::Jpeg).is_ok());
    }

    #[test]
    fn bytes_that_are_no_photo_and_photos_beyond_the_limit_are_refused() {
        assert!(matches!(for_web(b"no photo", PhotoFormat::Jpeg), Err(MediaError::Unreadable(_))));
        let cut = &jpeg(&made_up(1, 64, 64))[..200];
        assert!(for_web(cut, PhotoFormat::Jpeg).is_err());
        // A PNG header that announces 60,000 × 60,000 pixels and brings none.
        let mut png = Vec::new();
        image::RgbImage::new(1, 1).write_to(&mut Cursor::new(&mut png), ImageFormat::Png).expect("a PNG");
        png[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        png[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        assert!(for_web(&png, PhotoFormat::Jpeg).is_err());
    }

    #[test]
    fn only_a_client_that_names_webp_gets_it() {
        for (accept, expected) in [
            (None, PhotoFormat::Jpeg),
            (Some("image/*"), PhotoFormat::Jpeg),
            (Some("*/*"), PhotoFormat::Jpeg),
            (Some("image/avif,image/webp,image/*;q=0.8"), PhotoFormat::Webp),
            (Some("Image/WebP;q=0.5"), PhotoFormat::Webp),
            (Some("image/webp;q=0"), PhotoFormat::Jpeg),
            (Some("image/webpx"), PhotoFormat::Jpeg),
        ] {
            assert_eq!(PhotoFormat::accepted(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn a_made_up_photo_is_the_same_for_ever_and_differs_by_number() {
        assert_eq!(made_up(3, 40, 30), made_up(3, 40, 30));
        assert_ne!(made_up(3, 40, 30), made_up(4, 40, 30));
    }
}
