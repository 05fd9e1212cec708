//! Simplified and traditional Chinese: pairs of characters written differently in the two.
//!
//! Used to fold traditional text onto simplified keys and to tell `zh-Hans` from `zh-Hant`. The pairs are common knowledge
//! of the script reform; only pairs that are unambiguous in news text are listed.

use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

/// Simplified and traditional, in turn.
const PAIRS: &str = "们們国國会會时時来來对對开開说說这這为為个個发發经經关關现現实實进進动動问問题題业業东東车車长長门門\
间間见見马馬书書写寫语語话話谁誰请請让讓认認识識记記许許论論设設证證评評译譯试試诗詩误誤详詳读讀课課调調谈談谢謝\
义義习習乡鄉买買卖賣乱亂争爭亚亞产產亲親亿億仅僅从從仓倉价價众眾优優传傳伤傷伟偉体體侧側儿兒党黨兴興养養内內农農\
军軍决決冲衝况況冻凍净淨减減凤鳳击擊创創划劃则則刚剛删刪别別剧劇剂劑剑劍剩剩办辦务務劳勞势勢区區医醫华華协協单單\
卢盧卫衛厂廠历歷压壓厅廳县縣参參双雙变變叶葉号號叹嘆吓嚇员員听聽启啟吴吳响響哑啞唤喚团團园園围圍图圖圆圓圣聖场場\
坏壞块塊坚堅坛壇坟墳垄壟垒壘墙牆声聲壳殼处處备備复復够夠头頭夸誇夹夾奋奮奖獎妇婦妈媽娱娛孙孫学學宁寧宝寶审審宪憲\
宫宮宽寬宾賓导導寻尋寿壽将將尔爾尘塵尝嘗尽盡层層属屬岁歲岛島峡峽师師帅帥帐帳带帶帮幫币幣库庫庙廟应應废廢庆慶张張\
弹彈强強归歸录錄彻徹径徑忆憶忧憂怀懷态態总總恋戀恶惡惊驚惯慣愿願战戰戏戲户戶执執扩擴扫掃扬揚护護报報担擔拟擬拥擁\
择擇挂掛挥揮损損换換据據掷擲摄攝摆擺摇搖撑撐敌敵数數断斷无無旧舊昼晝显顯晓曉暂暫术術机機杀殺杂雜权權条條杨楊极極\
构構枪槍标標栋棟栏欄树樹样樣档檔桥橋检檢楼樓欢歡欧歐残殘殴毆毁毀毕畢气氣汇匯汉漢汤湯沟溝没沒沪滬泪淚泽澤洁潔济濟\
浏瀏测測浓濃涛濤涝澇润潤涨漲渐漸温溫湾灣湿濕满滿滚滾滞滯滥濫灭滅灯燈灵靈灾災炉爐点點炼煉烂爛烟煙烦煩烧燒热熱爱愛\
爷爺牵牽犹猶独獨狭狹狱獄猎獵献獻玛瑪环環画畫畅暢疗療疯瘋监監盖蓋盘盤础礎确確码碼祸禍离離种種积積称稱稳穩穷窮竞競\
笔筆签簽简簡类類粮糧紧緊纠糾红紅约約级級纪紀纯純纲綱纳納纵縱纷紛纸紙纽紐线線练練组組细細织織终終绍紹经經结結绕繞\
绘繪给給络絡绝絕统統继繼绩績续續维維综綜绿綠编編缓緩缩縮网網罗羅罚罰职職联聯聪聰肃肅肠腸肤膚肿腫胁脅胜勝脑腦脸臉\
脱脫腾騰舰艦艺藝节節芦蘆苏蘇苹蘋范範药藥荐薦荡蕩荣榮获獲莱萊营營萧蕭蓝藍虑慮虽雖蛮蠻补補装裝规規视視览覽觉覺触觸\
誉譽计計订訂讨討训訓议議讯訊讲講讼訟访訪诉訴诊診词詞诚誠询詢该該诺諾谋謀谓謂谱譜贝貝贞貞负負贡貢财財责責贤賢败敗\
货貨质質贩販贪貪贫貧购購贯貫贴貼贵貴贷貸贸貿费費贺賀贼賊资資赋賦赌賭赏賞赔賠赖賴赛賽赞贊赢贏赵趙赶趕趋趨跃躍践踐\
轨軌转轉轮輪软軟轰轟轻輕载載较較辆輛辈輩辉輝输輸辞辭边邊达達迁遷过過迈邁运運还還远遠违違连連迟遲适適选選递遞逻邏\
遗遺邓鄧郑鄭邻鄰释釋里裡鉴鑑针針钉釘钓釣钢鋼钱錢钻鑽铁鐵铃鈴铜銅银銀链鏈销銷锁鎖锋鋒错錯锡錫键鍵镇鎮镜鏡闭閉闯闖\
闲閑闹鬧闻聞阅閱队隊阳陽阴陰阵陣阶階际際陆陸陈陳险險随隨隐隱难難雾霧静靜韩韓页頁顶頂项項顺順须須顾顧顿頓预預领領\
频頻颖穎颗顆额額风風飞飛饭飯饮飲饰飾馆館驱驅驶駛驻駐驾駕验驗骂罵骗騙鱼魚鲁魯鲜鮮鸟鳥鸡雞鸣鳴鹰鷹麦麥黄黃齐齊龄齡\
龙龍龟龜台臺";

struct Tables {
    simple: FxHashMap<char, char>,
    only_simple: FxHashSet<char>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let mut tables = Tables { simple: FxHashMap::default(), only_simple: FxHashSet::default() };
    let characters: Vec<char> = PAIRS.chars().collect();
    for pair in characters.chunks_exact(2) {
        if let [simple, traditional] = *pair
            && simple != traditional
        {
            tables.simple.insert(traditional, simple);
            // 里, 台, 范 and a few more are written in traditional text too, so they prove nothing.
            if !"里台范叶吴丑余郁复并志".contains(simple) {
                tables.only_simple.insert(simple);
            }
        }
    }
    tables
});

/// The simplified form of a traditional character.
pub(super) fn simplified(c: char) -> Option<char> {
    TABLES.simple.get(&c).copied()
}

/// Whether text that is Chinese is written in traditional characters. Text with neither kind counts as simplified.
pub(crate) fn is_traditional(text: &str) -> bool {
    let (mut simple, mut traditional) = (0usize, 0usize);
    for c in text.chars() {
        simple += usize::from(TABLES.only_simple.contains(&c));
        traditional += usize::from(TABLES.simple.contains_key(&c));
    }
    traditional > simple
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_two_apart() {
        assert!(is_traditional("國會議員討論預算"));
        assert!(!is_traditional("国会议员讨论预算"));
        assert!(!is_traditional("中文"));
    }

    #[test]
    fn pairs_are_pairs() {
        assert_eq!(PAIRS.chars().count() % 2, 0);
        assert_eq!(simplified('龜'), Some('龟'));
        assert_eq!(simplified('麥'), Some('麦'));
    }
}
